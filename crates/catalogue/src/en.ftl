### Relevo's messages for people, in English. The Spanish twin is es.ftl.
###
### How to add one:
### - add the key to BOTH files, in the same group; a test fails on a missing key, an extra key, or arguments that differ;
### - keys are lower-case words joined by dashes, from the general to the special; only codes and words that come from the
###   program keep their own spelling (`error-STALE_READ-what`, `reason-complex_query`);
### - arguments are written { $name }; numbers that change words use a selector with [one] and *[other];
### - an error has three messages: -what (what happened), -safe (what was not lost), -do (what to do). They are shown as one text;
### - no personal data is ever part of a message; ids and names of the configuration are arguments.

## Errors, one a code. `error()` joins the three and adds the code and the ids.

error-UNAUTHENTICATED-what = The request has no API key and no token, or one that this broker does not know (any more).
error-UNAUTHENTICATED-safe = Nothing was changed.
error-UNAUTHENTICATED-do = Give a valid key with --api-key or RELEVO_API_KEY (over gRPC: "authorization: Bearer …"); `relevo key new` makes one.

error-FORBIDDEN-what = The role of your credential may not do this.
error-FORBIDDEN-safe = Nothing was changed.
error-FORBIDDEN-do = Ask somebody with the needed role, or have the role of your key changed in the configuration.

error-INVALID_ARGUMENT-what = The request has a field that is missing or not acceptable.
error-INVALID_ARGUMENT-safe = Nothing was changed.
error-INVALID_ARGUMENT-do = Correct the fields that are named and send it again.

error-CONVERSATION_NOT_FOUND-what = There is no such conversation among those that you may see.
error-CONVERSATION_NOT_FOUND-safe = Nothing was changed.
error-CONVERSATION_NOT_FOUND-do = Copy the whole id from `relevo conversation list`; if it is right, ask for access to its channel or team.

error-ASSIGNEE_NOT_FOUND-what = There is no such agent or team in your organisation.
error-ASSIGNEE_NOT_FOUND-safe = The conversation is still whose it was.
error-ASSIGNEE_NOT_FOUND-do = Use a name from the configuration; `relevo config dump` shows them.

error-ALREADY_ASSIGNED-what = The conversation already belongs to { $agent_name }.
error-ALREADY_ASSIGNED-safe = Nothing was changed; your claim did not take it away.
error-ALREADY_ASSIGNED-do = Take another one, or have it assigned to you.

error-CONVERSATION_RESOLVED-what = The conversation is resolved.
error-CONVERSATION_RESOLVED-safe = Nothing was changed; its whole thread is still there.
error-CONVERSATION_RESOLVED-do = Reopen it first.
error-TAG_UNKNOWN-what = There is no such tag.
error-TAG_UNKNOWN-safe = Nothing was changed.
error-TAG_UNKNOWN-do = Choose an existing tag (relevo tag list) or create it.
error-VERSION_CONFLICT-what = It has changed since you looked.
error-VERSION_CONFLICT-safe = Nothing was changed by this command.
error-VERSION_CONFLICT-do = Look again and decide anew with the new version.
error-CONTACT_NOT_FOUND-what = There is no such contact.
error-CONTACT_NOT_FOUND-safe = Nothing was changed.
error-CONTACT_NOT_FOUND-do = Check the id; it may be one that you may not see.
error-LIMIT_REACHED-what = A limit is reached.
error-LIMIT_REACHED-safe = Nothing was changed; what was there is still there.
error-LIMIT_REACHED-do = Remove what is not needed any more, or try again later.
error-TOKEN_EXPIRED-what = Your session has expired.
error-TOKEN_EXPIRED-safe = What was applied before stays applied.
error-TOKEN_EXPIRED-do = Get a new token and go on from the position in this error.

error-WINDOW_CLOSED-what = The customer's last message is more than 24 hours old, or there is none: only a template may be sent.
error-WINDOW_CLOSED-safe = Nothing was sent, and no provider was asked.
error-WINDOW_CLOSED-do = Send one of the approved templates that are named; when the customer answers, you may write freely again.

error-STALE_VIEW-what = Somebody else has written to the customer since you last looked.
error-STALE_VIEW-safe = Your message was not sent; theirs was.
error-STALE_VIEW-do = Read what they wrote; if yours is still wanted, send it again with `force` and a fresh command id.

error-BOT_PAUSED-what = The bot is paused in this conversation, and so is silent.
error-BOT_PAUSED-safe = Nothing was sent; what the customer writes is still stored and shown to people.
error-BOT_PAUSED-do = Wait until somebody resumes the bot; do not repeat the message before.

error-NOT_PAUSED-what = The bot of this conversation is not paused.
error-NOT_PAUSED-safe = Nothing was changed.
error-NOT_PAUSED-do = Pause it first, on the terms that you want.
error-TURN_ENDED-what = The bot's turn in this conversation is over.
error-TURN_ENDED-safe = Nothing was sent.
error-TURN_ENDED-do = Do not repeat it; if something is still to be answered, the bot is given another turn.
error-SUGGESTION_NOT_FOUND-what = There is no such suggestion in this conversation, or it was answered already.
error-SUGGESTION_NOT_FOUND-safe = Nothing was changed.
error-SUGGESTION_NOT_FOUND-do = Look at the list of suggestions again.
error-PAUSE_LOCKED-what = Only a supervisor can resume this bot or change its pause.
error-PAUSE_LOCKED-safe = Nothing was changed: the bot stays silent.
error-PAUSE_LOCKED-do = Ask a supervisor to resume it.
error-BULK_NOT_FOUND-what = There is no such bulk.
error-BULK_NOT_FOUND-safe = Nothing was changed.
error-BULK_NOT_FOUND-do = Look at the list of your bulks.
error-BULK_RUNNING-what = This bulk is still being worked on.
error-BULK_RUNNING-safe = It goes on; nothing was taken back.
error-BULK_RUNNING-do = Wait until it is finished, then take it back.
error-PAIR_RATE-what = Too many messages to this customer are waiting to be sent ({ $waiting }).
error-PAIR_RATE-safe = This one was not queued; those that wait will be sent in their order.
error-PAIR_RATE-do = Wait a few seconds and send it again.

error-TEMPLATE_NOT_FOUND-what = The channel has no template of that name in that language.
error-TEMPLATE_NOT_FOUND-safe = Nothing was sent.
error-TEMPLATE_NOT_FOUND-do = Choose one of `relevo template list`; a new one at the provider shows there within an hour, and at once after `relevo channel check`.

error-TEMPLATE_NOT_USABLE-what = The template cannot be used: the provider has it as { $status }.
error-TEMPLATE_NOT_USABLE-safe = Nothing was sent.
error-TEMPLATE_NOT_USABLE-do = Choose an approved template, or mend this one at the provider and have it approved.

error-TEMPLATE_PARAMETERS-what = The template's variables are not filled in as they must be.
error-TEMPLATE_PARAMETERS-safe = Nothing was sent.
error-TEMPLATE_PARAMETERS-do = Give every variable a value that is not blank and has no line breaks; `relevo template preview` shows the result.

error-ATTACHMENT_NOT_FOUND-what = There is no such stored file.
error-ATTACHMENT_NOT_FOUND-safe = Nothing was sent.
error-ATTACHMENT_NOT_FOUND-do = Upload the file first and use the hash of the answer; a customer's file may still be on its way.

error-ATTACHMENT_TOO_BIG-what = A file is larger than the channel takes ({ $size_bytes } bytes; at most { $limit_bytes }).
error-ATTACHMENT_TOO_BIG-safe = Nothing was sent.
error-ATTACHMENT_TOO_BIG-do = Send a smaller file, or a link to it.

error-ATTACHMENT_TYPE-what = The channel does not take files of this type.
error-ATTACHMENT_TYPE-safe = Nothing was sent.
error-ATTACHMENT_TYPE-do = Convert the file, or send it as a document where the channel takes that.

error-RECIPIENT_INVALID-what = Nobody can be written to under this number or address on this channel.
error-RECIPIENT_INVALID-safe = Nothing was sent.
error-RECIPIENT_INVALID-do = Give a phone number with its country code, or a mail address on a mail channel; name the recipient if the conversation has none.

error-CHANNEL_NOT_FOUND-what = There is no such channel among those that you may use.
error-CHANNEL_NOT_FOUND-safe = Nothing was changed.
error-CHANNEL_NOT_FOUND-do = Choose one of `relevo channel list`; if it is right, ask for access to it.

error-CHANNEL_PAUSED-what = Somebody has paused the channel: nothing is sent from it.
error-CHANNEL_PAUSED-safe = Your message was not queued; those that wait stay in their order, and what comes in is taken.
error-CHANNEL_PAUSED-do = Ask a supervisor to resume it (`relevo channel resume`), and send it again with a fresh command id.

error-CHANNEL_CANNOT_SEND-what = The channel cannot send this: it has no credentials for sending, or it does not know this kind of message.
error-CHANNEL_CANNOT_SEND-safe = Nothing was sent.
error-CHANNEL_CANNOT_SEND-do = Send something else, or have the channel set up for sending (`relevo channel check`).

error-MESSAGE_NOT_FOUND-what = There is no such message in this conversation, or no provider has it yet.
error-MESSAGE_NOT_FOUND-safe = Nothing was changed.
error-MESSAGE_NOT_FOUND-do = Copy the id from the thread of this conversation; what was just sent can be quoted once it is accepted.

error-ALREADY_HANDED_OVER-what = The provider has the message, or may have it: it cannot be taken back.
error-ALREADY_HANDED_OVER-safe = Nothing was changed.
error-ALREADY_HANDED_OVER-do = Look at its state in the thread; write to the customer if it needs correcting.

error-QUICK_REPLY_NOT_FOUND-what = There is no quick reply of that name.
error-QUICK_REPLY_NOT_FOUND-safe = Nothing was sent.
error-QUICK_REPLY_NOT_FOUND-do = Choose one of `relevo quick-reply list`.

error-COMMAND_ID_REUSED-what = This command id was used before for another command.
error-COMMAND_ID_REUSED-safe = The first command stands; this one was not carried out.
error-COMMAND_ID_REUSED-do = Send it again with a fresh command id.

error-POSITION_INVALID-what = The position is not one that this broker gave out.
error-POSITION_INVALID-safe = Nothing was changed.
error-POSITION_INVALID-do = Pass a position exactly as an earlier answer gave it, or none.

error-STALE_READ-what = The view has read the log up to { $applied } and did not reach { $wanted } in time.
error-STALE_READ-safe = What you wrote is safe on the log; only the view is behind.
error-STALE_READ-do = Try again in a moment; if it stays so, look at `relevo view status`.

error-CURSOR_INVALID-what = The page token is not one of ours, or not for this request.
error-CURSOR_INVALID-safe = Nothing was changed.
error-CURSOR_INVALID-do = Use the token of the page before with an otherwise equal request, or begin with the first page.

error-CURSOR_EXPIRED-what = The moment that this page token belongs to is no longer kept (60 seconds).
error-CURSOR_EXPIRED-safe = Nothing was changed, and no row was skipped.
error-CURSOR_EXPIRED-do = Begin again with the first page.

error-CONTENTION-what = The conversation changed too often while the command was decided.
error-CONTENTION-safe = Nothing was written.
error-CONTENTION-do = Send it again with the same command id.

error-OUTCOME_UNKNOWN-what = The log did not answer in time: the command may or may not be stored.
error-OUTCOME_UNKNOWN-safe = Nothing is lost, and repeating it cannot carry it out twice.
error-OUTCOME_UNKNOWN-do = Send it again with the same command id until it is answered.

error-LOG_UNAVAILABLE-what = The log cannot be reached.
error-LOG_UNAVAILABLE-safe = Nothing was written; everything that was stored before is safe.
error-LOG_UNAVAILABLE-do = Try again in a moment; if it stays so, the operator must look at the NATS server.

error-LOG_FULL-what = The log has no room left.
error-LOG_FULL-safe = Nothing was written; everything that was stored before is safe.
error-LOG_FULL-do = The operator must make room (disk or nats.max_bytes); then send it again.

error-TOO_LARGE-what = The content is larger than the limit.
error-TOO_LARGE-safe = Nothing was written.
error-TOO_LARGE-do = Send less at once.

error-SIGNATURE_INVALID-what = The signature or the token of the webhook is wrong.
error-SIGNATURE_INVALID-safe = Nothing was stored, so that nobody can forge messages.
error-SIGNATURE_INVALID-do = Compare the secret in the provider's settings with the one in the configuration.

error-ENDPOINT_NOT_FOUND-what = There is no webhook at this address.
error-ENDPOINT_NOT_FOUND-safe = Nothing was stored.
error-ENDPOINT_NOT_FOUND-do = Correct the address in the provider's settings, or add the endpoint to the configuration.

error-PARKED_NOT_FOUND-what = There is no such parked item among those that you may see.
error-PARKED_NOT_FOUND-safe = Nothing was changed.
error-PARKED_NOT_FOUND-do = See `relevo intake parked`; it may have been retried or discarded already.

error-VIEW_NOT_FOUND-what = There is no view of that name.
error-VIEW_NOT_FOUND-safe = Nothing was changed.
error-VIEW_NOT_FOUND-do = `relevo view status` names them.

error-LOG_DIVERGED-what = The view was built from another history than the log has now.
error-LOG_DIVERGED-safe = The log is untouched; the view stands still rather than mix two histories.
error-LOG_DIVERGED-do = Find out whether the log was replaced or restored; then `relevo view rebuild`.

error-COMMIT_NOT_FOUND-what = There is no such commit or entity on the log of your organisation.
error-COMMIT_NOT_FOUND-safe = Nothing was changed.
error-COMMIT_NOT_FOUND-do = Check the id or the sequence; `relevo log tail` shows the latest ones.

error-INTERNAL-what = Something happened that should not.
error-INTERNAL-safe = What was stored before is safe; whether this request was carried out is not known.
error-INTERNAL-do = Repeating it with the same command id is safe. The operator's log has the details.

## What is wrong with a field of a request.

field-required = is required
upload-infected = The virus scanner found something in the file. Nothing was stored. Do not open it, and ask for a clean one.
upload-incomplete = The file did not arrive whole, or came too slowly. Nothing was stored. Send it again.
field-negative = must not be negative
field-above = must be at most { $max }
field-id = is not an id of the expected kind
field-name = is not a name (lower-case letters, digits and dashes, at most 32)
field-unknown-word = is not one of the known values
field-republish-subject = must be relevo.republish.<your tenant>.<name>, the name of lower-case letters, digits, _ and -
field-metric = is not the name of a metric
field-span = must be after the beginning
field-filter-long = has more than 100 values of one kind
field-actor = is not an actor: staff:<name>, bot:<name>, <name>, customer, phone_app, provider or system
field-speed = must be 0 to 1,000,000
field-replay-subject = must be relevo.replay.<your tenant>.<name>, the name of lower-case letters, digits, _ and -
field-day = is not a day written YYYY-MM-DD
field-day-order = must not be before the first day
field-days-above = covers more than { $max } days
field-not-together = cannot be given together with { $other }
field-whole-tenant = makes no sense for a role that sees the whole tenant
field-too-many = has more than { $max } values
field-tag = is neither the id nor the name of a tag
field-future = lies in the future
field-command-id = must have 1 to 128 visible ASCII characters
field-too-long = is longer than { $max } characters
field-own-reason = is a reason that only Relevo itself gives
field-until = must be in the future and at most { $max } days away
field-bulk-too-many = has more than 100,000 ids: choose by a filter
field-bulk-selection = must be given: a filter that says something, conversations, or all
field-bulk-not-a-pause = is a bulk that paused nothing: there is nothing to undo
field-lock-and-end = cannot be given together with an end: a locked pause does not end by itself
field-filled = must have 1 to { $max } characters
field-time = is not a time
field-line = must have 1 to { $max } characters on one line
field-same-contact = must be another contact
field-tag-name = must have 1 to 40 characters on one line
field-tag-name-taken = is the name of another tag
field-colour = is not a colour written #rrggbb
field-create-by-name = can only be set together with a name
field-degrees = is not a number of degrees that is on earth
field-file = is not a stored file: its SHA-256 in lower-case hex, and a MIME type if one is given
field-hello-twice = is said once, at the beginning of the stream
field-recipient = cannot be given here: the recipient of the request is meant
field-address = is not a mail address
field-channel-limit = is missing, or is not what the channel takes (at most { $max })
field-variable-value = has a variable for which nothing is known now
field-variable = has a variable that there is not: only contact.name, agent.name and business.name
field-detection-long = has more than { $max } characters, 10 words or 24 alternatives
field-detection-shape = must begin and end with a word and have at most 2 gaps
field-detection-prefix = has an asterisk that does not end a word of at least { $max } letters
field-detection-lists = names a rule that reads no lists
field-detection-many = would be more than { $max } entries
field-detection-repeats = must be from 2 to 6
field-detection-unresolved = must be from 4 to 1000
field-detection-quiet = must be from one minute to 365 days
field-detection-rule = is not a rule of the detection
field-detection-act = must be off, suggest or pause
field-detection-language = must be es, en or pt
field-detection-list = must be phrases or exceptions
field-detection-nothing = changes nothing: say what is to be different
field-not-there = is not a field of this request
field-twice = is given twice
field-by-its-own = is an object: give its own fields, as in name.field=value
field-not-in-query = belongs into the body, not behind the question mark
field-not-as-in-path = is not what the path says
field-kind-text = must be a text in UTF-8
field-kind-bool = must be true or false
field-kind-whole = must be a whole number within its range
field-kind-number = must be a number
field-kind-bytes = must be base64
field-kind-time = must be a time as in 2026-01-31T09:00:00Z
field-kind-duration = must be a number of seconds as in 90s
field-kind-object = must be an object
field-kind-list = must be a list

## Headers of tables. They are printed as they stand here.

table-conversation = CONVERSATION
table-contact = CONTACT
table-channel = CHANNEL
table-status = STATUS
table-bot = BOT
table-assignee = ASSIGNED TO
table-unread = UNREAD
table-last-message = LAST MESSAGE
table-reason = REASON
table-rule = RULE
table-act = ACT
table-noticed = NOTICED
table-suggestion = SUGGESTION
table-list = LIST
table-by = BY
table-since = SINCE
table-how = HOW
table-note = NOTE
table-open = OPEN
table-endpoint = ENDPOINT
table-kind = KIND
table-posts = POSTS
table-updates = UPDATES
table-messages = MESSAGES
table-statuses = STATUSES
table-other-updates = OTHER
table-duplicates = DUPLICATES
table-parked = PARKED
table-id = ID
table-received = RECEIVED
table-size = SIZE
table-detail = DETAIL
table-view = VIEW
table-version = VERSION
table-state = STATE
table-position = POSITION
table-lag = BEHIND
table-degraded = DEGRADED
table-digest = DIGEST
table-time = TIME
table-action = ACTION
table-entity = ENTITY
table-day = DAY
table-hour = HOUR
table-in = IN
table-out = OUT
table-opened = OPENED
table-episodes = EPISODES
table-resolved = RESOLVED
table-reopened = REOPENED
table-manual = MANUAL
table-automatic = AUTOMATIC
table-count = COUNT

## The three axes of a conversation.

status-open = open
status-pending = pending
status-snoozed = snoozed
status-resolved = resolved
bot-active = Active
bot-paused = Paused
assignee-nobody = —
how-manual = assigned
how-claim = taken
pause-manual = manual
pause-automatic = automatic
pause-locked = locked
pause-changed = terms changed
watch-escalated = { $by } asks you to take over: { $contact } ({ $id }): { $reason }
watch-alert-unanswered = { $contact } ({ $id }) has waited for a person since { $since }
watch-alert-paused = The bot has been paused since { $since }: { $contact } ({ $id })
pause-until = until { $time }
pause-ask-question = Pause the conversation with { $name }?
pause-ask-nameless = this customer
pause-ask-silent = The bot stops answering automatically.
pause-ask-manual = You will have to send messages by hand.
pause-ask-untold = The customer is not told.
pause-ask-waiting = { $n ->
    [one] One message of the bot that waits is cancelled.
   *[other] { $n } messages of the bot that wait are cancelled.
}
pause-ask-claimed = One message of the bot is being delivered and cannot be stopped.
pause-ask-cancel = Cancel
pause-ask-confirm = Pause conversation
resume-ask-question = Resume the bot for { $name }?
resume-ask-answers = The bot answers automatically again.
resume-ask-unlocks = The pause is locked, and that ends with it.
resume-ask-locked = The pause is locked: only a supervisor can resume the bot.
resume-ask-confirm = Resume bot

## Why a bot is paused.

reason-complex_query = complex query
reason-frustrated_customer = frustrated customer
reason-complaint = complaint
reason-bot_error = bot error
reason-proactive_message = proactive message
reason-human_takeover = a person took over
reason-bot_handoff = the bot handed over
reason-echo = answered from the phone
reason-linked = the contact's other conversation is paused
reason-other = other

## Who did something.

actor-customer = customer
actor-staff = staff
actor-bot = bot
actor-phone_app = phone
actor-provider = provider
actor-system = Relevo

## Roles of API keys.

role-agent = agent
role-supervisor = supervisor
role-admin = administrator
role-bot = bot
role-analyst = analyst
role-ops = operations
role-service = service

## Media.

medium-whatsapp = WhatsApp
medium-sms = SMS
medium-email = Email

## A message without text, as a list shows it.

kind-text = text
kind-image = 📷 image
kind-video = 🎬 video
kind-audio = 🎤 audio
kind-document = 📄 document
kind-sticker = 🏷 sticker
kind-location = 📍 location
kind-contacts = 👤 contact
kind-interactive = ☑ answer
kind-button = ☑ button
kind-order = 🛒 order
kind-system = ℹ notice
kind-unsupported = ⚠ not supported by WhatsApp
kind-request_welcome = 👋 opened the chat
kind-email = ✉ mail
kind-note = 📝 note
kind-template = 📋 template
kind-reaction = 💬 reaction
kind-other = { $kind }

## How far a message has come.

delivery-queued = queued
delivery-accepted = accepted
delivery-sent = sent
delivery-delivered = delivered
delivery-read = read
delivery-played = played
delivery-failed = failed
delivery-deleted = deleted
delivery-warning = warning
delivery-sending = being sent
delivery-unknown = outcome unknown
delivery-cancelled = cancelled
message-edited = edited
message-revoked = deleted by its author

## The thread between the messages.

timeline-episode = Episode { $episode } begins
timeline-imported = Came in as history: said before Relevo listened
timeline-paused = { $by } paused the bot: { $reason }
timeline-paused-automatic = The bot was paused automatically: { $reason }
timeline-pause-changed = { $by } changed the pause
timeline-escalated = { $by } asked { $assignee } to take over
timeline-detected = Relevo noticed: { $what }
timeline-suggested = Relevo suggests to pause the bot (suggestion { $suggestion }): { $what }
timeline-suggestion-accepted = { $by } took suggestion { $suggestion }
timeline-suggestion-dismissed = { $by } did not want suggestion { $suggestion }
rule-complaint = complaint
rule-frustration = frustration
rule-nobody_there = is anybody there?
rule-shouting = capitals
rule-repeated_answer = same answer of the bot
rule-repeated_question = same question
rule-complex_query = complex query
rule-price_question = question for a price
rule-unresolved = many messages, unresolved
rule-proactive_send = staff wrote first
timeline-alert-unanswered = staff was alerted: nobody has answered since { $since }, and the bot is paused
timeline-alert-paused = staff was alerted: the bot has been paused since { $since }
timeline-resumed-timer = the pause's time came: the bot may answer again
timeline-resumed = { $by } resumed the bot
timeline-assigned = { $by } assigned it to { $assignee }
timeline-claimed = { $by } took it
timeline-resolved = { $by } resolved it
timeline-resolved-reason = { $by } resolved it: { $reason }
timeline-resolved-imported = Resolved at once, because it is history
timeline-reopened = { $by } reopened it
timeline-reopened-customer = Reopened by the customer's message
timeline-pending = { $by } marked it as pending
timeline-snoozed = { $by } snoozed it until { $until }
timeline-snoozed-reply = { $by } snoozed it until the customer writes
timeline-opened = { $by } opened it again
timeline-opened-customer = Open again by the customer's message
timeline-opened-timer = Open again: its time came
timeline-tag-added = { $by } added the tag { $tag }
timeline-tag-removed = { $by } removed the tag { $tag }
timeline-priority = { $by } set the priority: { $priority }
timeline-read = { $by } read it
timeline-unassigned = { $by } took it away from its assignee
priority-none = none
priority-low = low
priority-normal = normal
priority-high = high
priority-urgent = urgent

## Views.

view-starting = starting
view-catching_up = catching up
view-live = live
view-diverged = DIVERGED
view-stopped = STOPPED
view-progress = { $name }: { $done } of { $total } commits, { $rate } a second, { $left } left
view-done = { $name }: done at { $position }
view-same = { $name }: equal to the log at { $position } ({ $keys } keys, { $digest })
view-different = { $name }: DIFFERENT from the log at { $position }; first differing key { $key }

## Figures.

figure-undefined = undefined
figure-first-response = First response
figure-mean = mean
figure-median = half within
figure-p90 = nine of ten within
metrics-republished = { $facts ->
    [one] { $facts } fact published again on { $subject }
   *[other] { $facts } facts published again on { $subject }
}
bulk-pausing = Pausing { $done }/{ $total }
bulk-paused = Paused { $done }/{ $total }
bulk-resuming = Resuming { $done }/{ $total }
bulk-resumed = Resumed { $done }/{ $total }
bulk-count-paused = { $n ->
    [one] { $shown } paused
   *[other] { $shown } paused
}
bulk-count-resumed = { $n ->
    [one] { $shown } resumed
   *[other] { $shown } resumed
}
bulk-count-already = { $n ->
    [one] { $shown } already was
   *[other] { $shown } already were
}
bulk-count-forbidden = { $shown } not allowed
bulk-count-errors = { $n ->
    [one] { $shown } error
   *[other] { $shown } errors
}
bulk-count-changed = { $n ->
    [one] { $shown } changed since
   *[other] { $shown } changed since
}
bulk-left = { $seconds } s left
bulk-counted = { $total } conversations match. Nothing was done.
bulk-started = { $id } · { $total } conversations
bulk-undo-started = { $id } · { $total } pauses are taken back
bulk-undone-before = { $id } · taking back these { $total } pauses was asked for before
bulk-undone-by = Taken back by { $id }
bulk-one-selection = choose by a filter, with --ids-file or with --all: one of the three
bulk-action-pause = pause
bulk-action-resume = resume
bulk-action-undo = undo
bulk-outcome-paused = paused
bulk-outcome-resumed = resumed
bulk-outcome-already = already so
bulk-outcome-forbidden = not allowed
bulk-outcome-error = error
bulk-outcome-changed-since = changed since
table-bulk = BULK
table-outcome = RESULT
table-done = DONE
metrics-republishing = { $facts } facts so far · commit { $sequence }
table-metric = METRIC
table-from = FROM
table-group = GROUP
table-value = VALUE
table-n = N
table-mean = MEAN
table-p50 = P50
table-p90 = P90
table-p99 = P99
table-labels = LABELS
figure-p99 = 99 of 100 within
table-tab = TAB
table-pending = PENDING
table-snoozed = SNOOZED
table-paused = PAUSED
table-problems = PROBLEMS
table-priority = PRIORITY
table-tags = TAGS
table-tag = TAG
table-colour = COLOUR
table-customer = CUSTOMER
table-identifiers = KNOWN AS
table-conversations = CONVERSATIONS
table-waiting = WAITING SINCE
table-team = TEAM
table-unassigned = WITHOUT AGENT SINCE
table-before = BEFORE
table-queue = QUEUE
table-lasted = LASTED
tab-mine = mine
tab-unassigned = unassigned
tab-all = all
status-due = due
list-search-truncated = There are more matches than were looked at: type more of it.
cli-done-unassign = Conversation given back
cli-already-unassign = It was nobody’s already
cli-done-pending = Conversation is pending
cli-already-pending = It was pending already
cli-done-snooze = Conversation snoozed
cli-already-snooze = It was snoozed until then already
cli-done-unsnooze = Conversation opened
cli-already-unsnooze = It was not snoozed
cli-done-priority = Priority set
cli-already-priority = It had that priority already
cli-done-tag-add = Tag added
cli-already-tag-add = It had the tag already
cli-done-tag-remove = Tag removed
cli-already-tag-remove = It did not have the tag
cli-done-read = Marked as read
cli-already-read = Nothing was unread
cli-done-tag-create = Tag made
cli-already-tag-create = There was a tag of that name already
cli-done-tag-change = Tag changed
cli-already-tag-change = The tag was like that already
cli-done-tag-delete = Tag deleted
cli-already-tag-delete = There was no such tag
cli-done-link = Customer linked
cli-already-link = It was that customer already
cli-done-unlink = Customer unlinked
cli-already-unlink = It was linked to no customer
cli-done-merge = Contacts merged
cli-already-merge = They were merged already
cli-done-unmerge = Contacts separated
cli-already-unmerge = They were not merged
cli-merge-paused = The bot was paused in: { $ids }
cli-version = version { $version }
cli-label-priority = Priority
cli-label-tags = Tags
cli-label-customer = Customer
cli-label-version = Version
cli-label-merged = Same person as
presence-viewing = is looking
presence-typing = is writing
kind-metric-sum = sum
kind-metric-duration = duration
kind-metric-share = share
kind-metric-gauge = gauge

## Lists and counts.

list-empty = Nothing to show.
list-more = There are more; continue with --page-token { $token }
count-conversations = { $n ->
    [one] { $n } conversation
   *[other] { $n } conversations
}
count-commits = { $n ->
    [one] { $n } commit
   *[other] { $n } commits
}
count-updates = { $n ->
    [one] { $n } update
   *[other] { $n } updates
}

## What a command answers.

done-retried = { $n ->
    [one] { $n } item was handed to intake again.
   *[other] { $n } items were handed to intake again.
}

## The client.

client-unreachable = There is no broker at { $server }. Nothing was changed. Start it with `make run` or `relevo serve`, or name another one with --server.
client-no-key = No API key was given. Nothing was asked. Give one with --api-key or RELEVO_API_KEY.

## `relevo serve`.

serve-ready = Relevo is ready.
serve-http = HTTP  { $address }
serve-grpc = gRPC  { $address }
serve-data = Data  { $path }
serve-stopping = Stopping in order…
serve-stopped = Stopped. Everything that was acknowledged is stored.
serve-demo = This is the demo: its keys and secrets are publicly known, so it listens on this machine only.
serve-nats-no-binary = There is no nats-server. Nothing was changed. Install version { $wanted } or later (`make run` does), or name one with nats.binary.
serve-nats-too-old = { $path } is version { $found }; Relevo needs { $wanted } or later. Nothing was changed. Update it, or name another one with nats.binary.
serve-nats-not-runnable = { $path } cannot be run: { $reason }. Nothing was changed. Check the file and its permissions, or name another one with nats.binary.
serve-data-in-use = The data folder { $path } is in use by process { $pid }. Nothing was changed. Stop that process, or use another folder with --data-dir.
serve-io = { $path }: { $reason }. What was stored before is safe. Check the folder, its permissions and the free disk space.
serve-nats-not-started = The nats-server did not start: { $reason }. What was stored before is safe. Its log in the data folder has the details.

## The configuration: `relevo config check`, and what `relevo serve` says before it refuses to start.

config-good = The configuration is good: { $tenants } tenants, { $channels } channels, { $apps } Meta apps, { $keys } API keys.
config-refused = { $count ->
    [one] The configuration has a problem. Nothing was changed and nothing was started.
   *[other] The configuration has { $count } problems. Nothing was changed and nothing was started.
}
config-no-file = there is no such configuration file; check the path given with --config
config-no-file-at = there is no file { $path }
config-unknown-key-near = unknown key “{ $key }”; did you mean “{ $near }”?
config-unknown-key = unknown key “{ $key }”; known here: { $known }
config-missing = the key “{ $key }” is missing
config-expected = the value has another shape; expected: { $wanted }
config-twice = the key “{ $key }” stands here twice
config-url-credentials = an address must not hold a user, a password or a token; write them as nats.user and nats.password, or nats.token
config-unreadable = cannot be read: { $reason }
config-name = “{ $value }” is not a name; use 1 to 32 lower-case letters, digits or hyphens, and begin with a letter or digit
config-secret = the secret cannot be read: { $reason }
config-empty-list = at least one value is needed
config-duplicate = “{ $value }” is used by { $other } already; it must be unique
config-unknown-agent = “{ $value }” is not in { $list }; add an entry [[tenants.agents]] with id = "{ $value }", a name and a role to tenant { $tenant }
config-unknown = “{ $value }” is not in { $list }
config-one-of = “{ $value }” is not a possible value; use one of: { $known }
config-too-small = { $value } is too little; at least { $least }
config-service-keys-differ = the service “{ $value }” has another key at { $other }; keys of one service must grant the same roles, channels and teams
config-needs = makes sense only together with { $other }; add that key or remove this one
config-excludes = cannot be used together with { $other }; remove one of the two
config-address = “{ $value }” is not an IP address with a port, such as 127.0.0.1:8480
config-url = “{ $value }” is not an http:// or https:// base address without a query
config-origin = “{ $value }” is not an origin, such as https://desk.example.com (a scheme, a host, perhaps a port; lower case; nothing behind)
config-too-large = { $value } is too much; at most { $most }
config-token-key = a signing key needs at least { $least } bytes
config-jwks-url = an address of keys must begin with https:// (or http:// on loopback)
config-issuer-own = “relevo” is what Relevo itself signs as; use the issuer’s own name
config-time-zone = “{ $value }” is not a known time zone, such as America/Argentina/Buenos_Aires
config-account-channel = “{ $value }” does not name a channel; write tenant/channel
config-sender = “{ $value }” is not a sender; write a number as whatsapp:+5491155550200, or a messaging service MG…
config-secure-url = “{ $value }” is not an address that credentials may be sent to; use https:// (or http:// on loopback), without user and query
config-file-store = “{ $value }” is neither "log" nor the absolute path of a folder
config-host = “{ $value }” is not the name or address of a server
config-plain = a connection in the clear is for loopback addresses only, and { $host } is none; use tls or starttls
config-one-line = must be one line with something in it
config-span = “{ $value }” is not a time of up to a year: use 90s, 10m, 2h, 3d, or off
config-span-most = “{ $value }” is not a time of at most { $most }: use 90s, 10m, 2h or 3d
config-hook-url = “{ $value }” is not an address that a bot’s webhook may have: { $reason }
config-signature = must have at most { $most } characters and no control characters but line breaks
config-any-server = “{ $value }” is not possible for a channel that is added while Relevo runs; write it into the configuration file, or set channels.any_server there
config-secret-elsewhere = must be the secret itself; a channel that is added while Relevo runs names no files and no variables of the server
config-channel-in-file = the channel “{ $value }” stands in the configuration file; change it there, or choose another id
config-channel-added = the channel “{ $value }” has been added already, with another definition; replace it, or choose another id
config-taken = “{ $value }” is taken by another channel or app; choose another
config-mail-address = “{ $value }” is not a mail address
config-misplaced = this key belongs to channels of kind { $kind }
config-key-hash = this is not the hash of an API key; `relevo key new` prints it (sha256: and 64 hexadecimal digits)
config-loopback-only = { $value } can be reached from other machines, and secrets or keys of the demo are in use, which are public; use a loopback address such as 127.0.0.1, or secrets of your own

## `relevo key new`.

key-new-key = New API key. It is shown only this once; keep it in a safe place:
key-new-config = For the configuration (which holds only the hash):

## What webhooks answer when the code does not say enough.

webhook-handshake-incomplete = The check of the address has no hub.challenge. Nothing was changed. Repeat the check from Meta's panel.
webhook-too-slow = The body did not arrive whole in time. Nothing was stored. Send it again.
webhook-broken = The connection broke before the whole body arrived. Nothing was stored. Send it again.
webhook-media-type = The mail came inside a form. Nothing was stored. Send the raw mail (RFC 5322) as the body of the request.
webhook-method = This address does not take that method. Nothing was stored. Meta and Twilio use GET and POST; mail uses POST.
webhook-overloaded = Too much is arriving at the same time. Nothing was stored. Send it again in a few seconds.

## What JSON over HTTP answers when the code does not say enough.

rest-path = There is nothing at this path. Nothing was changed. /v1/openapi.json says what there is.
rest-method = This path does not take that method. Nothing was changed. The header Allow says which it takes.
rest-media-type = The body is not JSON in UTF-8. Nothing was changed. Send it as application/json, not compressed.
rest-json = The body is no JSON: it stops making sense at line { $line }, column { $column }. Nothing was changed.
rest-encoding = The address is not written in UTF-8 with percent signs. Nothing was changed.
rest-too-slow = The body did not arrive whole in time. Nothing was changed. Send it again.
rest-broken = The connection broke before the whole body arrived. Nothing was changed. Send it again.
rest-overloaded = Too many requests are being answered at the same time. Nothing was changed. Send it again in a moment.
rest-not-ready = Relevo is still starting. Nothing was changed. Send it again in a moment.

## The start of `relevo serve`, continued.

serve-log-not-reachable = The log cannot be used: { $reason }. What was stored before is safe. Check nats-server and the section [nats] of the configuration.
serve-listen = Cannot listen on { $address }: { $reason }. Nothing was changed. Free the port, or choose another with --http-addr and --grpc-addr.
serve-id-key-changed = The id key of tenant { $tenant } is not the one used so far (fingerprint { $found } instead of { $wanted }). Nothing was changed. Restore { $path } from a copy: with another key, repeated messages would look new.
serve-not-started = The start failed: { $reason }. What was stored before is safe. The log of this process has the details.
serve-part-ended = A part of the broker ended unexpectedly: { $part }. What was confirmed is stored. The broker stops in order; start it again. The log of this process has the details.
serve-nats-gave-up = The nats-server does not start any more. What was confirmed is stored. Its log in the data folder has the details.

## The command line: what a command answers.

cli-done-pause = Bot paused
cli-done-resume = Bot resumed
cli-done-change-pause = Pause changed
cli-done-escalate = Escalated
cli-done-suggestion-accept = Suggestion taken: the bot is paused
cli-done-suggestion-dismiss = Suggestion dismissed
cli-done-detection = The detection is set
cli-done-assign = Conversation assigned
cli-done-claim = The conversation is yours
cli-done-resolve = Conversation resolved
cli-done-reopen = Conversation reopened
cli-done-note = Note added
cli-already-pause = It was paused already
cli-already-resume = It was active already
cli-already-change-pause = It was paused on these terms already
cli-already-escalate = It was escalated already
cli-already-suggestion-accept = The suggestion was taken already
cli-already-suggestion-dismiss = The suggestion was dismissed already
cli-already-detection = The detection was like this already
cli-detection-numbers = languages: { $languages } · the same { $repeats } times · { $unresolved } messages unresolved · quiet after { $quiet }
cli-already-assign = It was assigned so already
cli-already-claim = It was yours already
cli-already-resolve = It was resolved already
cli-already-reopen = It was open already
cli-already-note = The note was there already
cli-position = position { $position }
cli-already-claimed = Handed to the provider before the pause, cannot be stopped: { $ids }
cli-repeat-command = It is safe to repeat it with the same id: --command-id { $command_id }

## The command line: labels of a record.

cli-label-conversation = Conversation
cli-label-contact = Contact
cli-label-channel = Channel
cli-label-status = Status
cli-label-bot = Bot
cli-label-pause = Pause
cli-label-assigned = Assigned
cli-label-unread = Unread
cli-label-last-message = Last message
cli-label-waiting = Waiting since
cli-label-window = Window until
cli-label-position = Position
cli-label-other-conversations = Other conversations
cli-label-identifier = Known as
cli-label-attention = Attention
cli-label-parked = Parked
cli-label-endpoint = Endpoint
cli-label-reason = Reason
cli-label-detail = Detail
cli-label-received = Received
cli-label-intake = On intake
cli-label-content-type = Type
cli-label-size = Size
cli-episode = episode { $n }
cli-degraded = a commit could not be applied: this row is older than the log (`relevo view status`)

## The command line: what a message is marked with.

cli-flag-automatic = automatic reply
cli-flag-bounce = bounce
cli-flag-delay = delay
cli-flag-list = list
cli-flag-complaint = marked as spam
cli-flag-own-loop = own mail that came back
cli-flag-message-id-reused = Message-ID used before with other content
cli-flag-forwarded = forwarded
cli-flag-imported = imported
cli-flag-unverified = sender not verified
cli-cancelled-bot-paused = (the bot was paused)
cli-next-attempt = Tried again: { $at }
cli-outcome-unknown = Nobody knows whether the provider took it; it is not sent again by itself. If the customer does not have it, send it again.
cli-attachment-pending = · not fetched yet
cli-attachment-unavailable = · cannot be had: { $reason }
cli-attachment-gone = the provider does not have it any more
cli-attachment-too-big = too big
cli-attachment-infected = it has a virus
cli-attachment-refused = refused
cli-attachment-not-the-type = not of the type that was declared
cli-loose-update = about a message that Relevo does not have

## The command line: intake, log and views.

cli-discarded = { $n ->
    [one] { $n } item discarded
   *[other] { $n } items discarded
}
cli-retried = Stored: { $stored } · parked again: { $parked } · position { $position }
cli-backlog = Still to be handled: { $n }
cli-unrouted = (no channel)
cli-nothing-parked = Nothing is parked.
cli-parked-withheld = The bytes hold another tenant's updates too and are not shown.
cli-log-bounded = Older commits were not looked at: the search ended at sequence { $sequence }. To see them: --from 1
cli-log-unreadable = this commit cannot be read
cli-log-more = There is more; go on with --after { $sequence }
cli-log-position = Log: { $position }
cli-replay-progress = { $events } events · { $position }
cli-replay-done = { $events } events published · { $position } · { $unreadable } commits that cannot be read
cli-audit-unreadable = Commits that were looked at and cannot be read: { $n }. Nobody knows what they are about.
log-problem-undecodable = { $sequence }: this commit cannot be read
log-problem-missing = { $sequence }…{ $through }: nothing is stored
log-problem-version = { $sequence }: { $entity } has version { $found } where { $expected } should come
log-problem-version-elsewhere = { $sequence }: a version of another tenant's entity is missing or there twice
log-problem-hash = { $sequence }: { $entity } does not follow the commit before: its hash is another
log-problem-unknown = { $sequence }: a problem that this program does not know
log-setting-differs = { $stream }: { $setting } is { $found } instead of { $wanted }
log-setting-unknown = { $setting }: not known, it is in the configuration of the NATS server (should be { $wanted })
log-intact = log intact: { $commits } commits, { $events } events, { $entities } entities, { $position }, 0 problems
log-broken = log NOT intact: { $commits } commits, { $events } events, { $entities } entities, { $position }, { $problems } problems, { $settings } settings changed

## The command line: the demo.

cli-demo-played = Sample traffic: { $posts } signed posts; answers: { $answers }
cli-demo-refused = { $refused } posts were not accepted. What was accepted is stored. Compare the configuration's secrets with the server's; `relevo demo play` with the same seed stores nothing twice.
cli-demo-unreachable = Nobody takes webhooks at { $http } ({ $reason }). What was accepted before is stored. Start Relevo with `make run` or `relevo serve --demo`, or name the address with --http.
cli-demo-no-endpoints = The configuration lacks a channel of each kind (meta, twilio, email with an address). Nothing was sent. Use the demo's (without --config), or add what is missing.

## The command line: what fails before or after the server.

cli-timed-out = { $server } did not answer within { $time }. Nothing that was confirmed is lost. Repeat it, or give it more time with --timeout.
cli-broken = The connection to { $server } broke before the answer. What was confirmed is safe; it is not known whether this last thing was done. Repeat it in a moment.
cli-strange = Something that is not Relevo answered at { $server } ({ $code }: { $message }). It is not known whether anything was done. Check --server: it is the gRPC address, not the HTTP one.
cli-unimplemented = The server at { $server } does not know this function. Nothing was done. Use the same version of Relevo there and here (`relevo --version`).
cli-bad-key = The API key has characters that cannot be sent. Nothing was asked. Copy it again into --api-key or RELEVO_API_KEY.
cli-bad-server = “{ $server }” is not an address that can be used. Nothing was asked. Write --server http://host:port (gRPC without TLS).
cli-bad-value = { $name }: “{ $value }” is of no use. Nothing was asked. Write { $expected }.
cli-view-different = At least one view is not what the log says. The log is intact. Keep this output and rebuild with `relevo view rebuild`.
cli-log-not-intact = The log is not what was written to it, or its streams are not set as they should be. Keep this output; do not rebuild views from this log. Stop the broker and put an intact copy of the log's store back; if a setting alone differs, start the broker again.
cli-output = The answer could not be written: { $error }. What was asked for is done. Check where the output goes.

# Metrics by name.
metric-messages-in = Messages received
metric-messages-out = Messages sent
metric-conversations-opened = New conversations
metric-episodes-started = Episodes begun
metric-episodes-resolved = Episodes resolved
metric-episodes-reopened = Episodes reopened
metric-first-response-human = First response by a person
metric-first-response-any = First response
metric-next-response = Next responses
metric-resolution-first = Time to the first resolution
metric-resolution-full = Time to the last resolution
metric-backlog = Unresolved conversations
metric-agent-open-time = Time open with an agent
metric-intervention = Conversations with a manual pause
metric-pauses = Pauses of the bot
metric-pause-resolution = Time to resolve what was paused
metric-delivery-reports = Delivery reports
metric-delivery-to-delivered = From sent to delivered
metric-delivery-to-read = From delivered to read
metric-delivery-to-accepted = From queued to accepted
metric-delivery-to-sent = From accepted to sent
metric-send-failures = Failed sends

## Why a message could not be sent: one text for each code of a provider's table and for each class of failure.

send-failure-auth = The provider does not accept the channel's credential. The message waits; renew the credential of the channel and it goes out by itself.
send-failure-throttled = The channel sends more than the provider takes at the moment. The message waits and goes out by itself.
send-failure-pair_limit = This customer is getting too many messages in a short time. The message waits and goes out by itself; send fewer, longer ones.
send-failure-quality = The provider limits the number because customers complained or blocked it. Do not send it again; look at the quality of the number in the provider's console.
send-failure-integrity = The provider refuses the message or has restricted the account for a breach of its rules. Do not send it again; look at the account's notices.
send-failure-transient = The provider has trouble of its own. The message is tried again by itself.
send-failure-window = The customer's last message is more than 24 hours old. Send an approved template instead.
send-failure-recipient = The recipient cannot be reached at this address. Check it, or reach the customer on another channel.
send-failure-content = The provider does not accept the message as it is. Correct it and send it again.
send-failure-template = The template is missing, stopped or not filled in as approved. Choose another one or correct its values.
send-failure-account = The account or the number needs somebody's attention at the provider. Ask whoever administers it, then send again.
send-failure-file = A file could not be handed over: too big, of a wrong type, or gone. Attach another one and send again.
send-failure-expired = The message waited or was tried for too long. Send it again if it still matters.
send-failure-unknown = The provider refused the message with a code that Relevo does not know. Look at the code, correct the cause and send it again.
send-failure-reported = The provider took the message and said later that it could not deliver it. Look at the code, and reach the customer in another way if it is urgent.
send-failure-meta-0 = { send-failure-auth }
send-failure-meta-3 = The application may not do this with the number. Give it the WhatsApp permissions in Meta's console; the message waits.
send-failure-meta-10 = { send-failure-meta-3 }
send-failure-meta-131005 = { send-failure-meta-3 }
send-failure-meta-190 = The access token has expired or was withdrawn. Put a new token into the channel; the message waits.
send-failure-meta-4 = { send-failure-throttled }
send-failure-meta-613 = { send-failure-throttled }
send-failure-meta-80007 = The WhatsApp Business account has used up its requests for this hour. The message waits and goes out by itself.
send-failure-meta-130429 = The number sends more messages a second than Meta takes. The message waits and goes out by itself.
send-failure-meta-133016 = The number was registered and deregistered too often. Wait until Meta allows it again; the message waits.
send-failure-meta-131056 = { send-failure-pair_limit }
send-failure-meta-131048 = Meta stops messages of this number because too many were reported as spam. Look at its quality in WhatsApp Manager before you send more.
send-failure-meta-131064 = { send-failure-quality }
send-failure-meta-368 = The account is blocked for a while because of a breach of WhatsApp's policies. Look at the account's notices and appeal there.
send-failure-meta-130497 = The account may not write to customers of this country. Do not send it again.
send-failure-meta-131031 = The account is locked, for a breach of policy or a wrong PIN. Have it unlocked with Meta.
send-failure-meta-1 = { send-failure-transient }
send-failure-meta-2 = { send-failure-transient }
send-failure-meta-131000 = { send-failure-transient }
send-failure-meta-131016 = { send-failure-transient }
send-failure-meta-133004 = { send-failure-transient }
send-failure-meta-131057 = The number is being upgraded or maintained, which takes up to a minute. The message is tried again by itself.
send-failure-meta-131047 = The customer's last message is more than 24 hours old, so WhatsApp only takes an approved template. Send one instead.
send-failure-meta-130472 = Meta leaves this customer out of marketing messages for an experiment. Send something that is not marketing, or use another channel.
send-failure-meta-131021 = The recipient is the sender's own number. Choose the customer's number.
send-failure-meta-131026 = The number is not on WhatsApp, has an old version, or has blocked the business. Check the number or use another channel.
send-failure-meta-131030 = A test number only writes to numbers on its list. Add the recipient there, in the form in which Meta writes it.
send-failure-meta-131049 = Meta holds the message back so that the customer does not get too much marketing. Wait at least 24 hours, or send something else.
send-failure-meta-131050 = The customer has stopped marketing messages of this business. Do not send it again.
send-failure-meta-131062 = This customer's number is hidden, and such a message needs it. Ask the customer for the number.
send-failure-meta-137000 = The customer's identity on WhatsApp has changed. Make sure who it is, then send it again.
send-failure-meta-33 = { send-failure-content }
send-failure-meta-100 = { send-failure-content }
send-failure-meta-131008 = { send-failure-content }
send-failure-meta-131009 = A value of the message is not accepted, or the message that it refers to is too old. Correct it and send it again.
send-failure-meta-131051 = WhatsApp does not take messages of this type. Send the content in another form.
send-failure-meta-135000 = { send-failure-content }
send-failure-meta-131052 = The file could not be downloaded. Attach it again.
send-failure-meta-131053 = The file could not be uploaded: its content is not of the type that was said, or it is damaged. Attach another one.
send-failure-meta-131063 = This template cannot be sent in this way. Choose another one.
send-failure-meta-132000 = The number of values is not that of the template's variables. Fill in each one and send it again.
send-failure-meta-132001 = The template does not exist in this language or is not approved yet. Choose another one or another language.
send-failure-meta-132005 = The text is too long once the values are filled in. Shorten the values.
send-failure-meta-132007 = The template breaks one of WhatsApp's policies. Choose another one or have it reviewed.
send-failure-meta-132008 = A value is not of the kind that the template expects. Correct the values and send it again.
send-failure-meta-132012 = { send-failure-meta-132008 }
send-failure-meta-132015 = The template is paused because customers found it unwanted. Choose another one, or wait until Meta releases it.
send-failure-meta-132016 = The template was disabled for good because of its quality. Make a new one.
send-failure-meta-132068 = The form in the template cannot be used. Correct the form in WhatsApp Manager.
send-failure-meta-132069 = The form in the template is limited because of its errors. Correct the form in WhatsApp Manager.
send-failure-meta-131037 = The number has no approved display name. Have the name approved in WhatsApp Manager.
send-failure-meta-131042 = There is a problem with the account's payment. Mend the payment method in Meta's console.
send-failure-meta-131044 = { send-failure-meta-131042 }
send-failure-meta-131045 = The number is not registered with WhatsApp. Register it in Meta's console.
send-failure-meta-133010 = { send-failure-meta-131045 }
send-failure-meta-134011 = WhatsApp's terms for payments were not accepted. Have them accepted in Meta's console.
send-failure-twilio-20003 = Twilio does not accept the account's credential. Renew the token of the channel; the message waits.
send-failure-twilio-20404 = Twilio does not know the account or the address that was asked for. Check the channel's account SID.
send-failure-twilio-63007 = Twilio knows no WhatsApp sender with the channel's number. Check the number in the channel and in Twilio's console.
send-failure-twilio-63022 = The number's certificate is not valid. Register the sender again in Twilio's console.
send-failure-twilio-63051 = The WhatsApp Business account is locked. Look at its notices in Meta's console.
send-failure-twilio-20429 = { send-failure-throttled }
send-failure-twilio-21611 = The sender's queue at Twilio is full. The message waits and goes out by itself.
send-failure-twilio-63018 = { send-failure-throttled }
send-failure-twilio-63016 = { send-failure-meta-131047 }
send-failure-twilio-21211 = The recipient is not a valid number. Correct it, with its country code.
send-failure-twilio-21610 = The customer has asked for no more messages. Do not send it again.
send-failure-twilio-63003 = { send-failure-meta-131026 }
send-failure-twilio-63024 = { send-failure-meta-131026 }
send-failure-twilio-63032 = { send-failure-quality }
send-failure-twilio-63049 = { send-failure-meta-131049 }
send-failure-twilio-63013 = { send-failure-integrity }
send-failure-twilio-63020 = { send-failure-account }
send-failure-twilio-21617 = The text is longer than the 1,600 characters that Twilio takes. Shorten or divide it.
send-failure-twilio-63005 = { send-failure-content }
send-failure-twilio-63021 = { send-failure-content }
send-failure-twilio-63019 = Twilio could not fetch the file. Check that the public address of the broker can be reached, and send it again.
send-failure-twilio-21656 = The values of the template cannot be read by Twilio. Correct them and send it again.
send-failure-twilio-63027 = { send-failure-meta-132001 }
send-failure-twilio-63028 = { send-failure-meta-132000 }
send-failure-twilio-30001 = The message waited too long in Twilio's queue and was given up. Send it again if it still matters.
send-failure-twilio-20500 = { send-failure-transient }
send-failure-twilio-20503 = { send-failure-transient }
send-failure-twilio-30008 = { send-failure-transient }
send-failure-twilio-63012 = { send-failure-transient }
send-failure-smtp-4-2-1 = The recipient's mailbox takes nothing at the moment. The mail is tried again by itself.
send-failure-smtp-4-2-2 = The recipient's mailbox is full at the moment. The mail is tried again by itself; reach the customer on another channel if it is urgent.
send-failure-smtp-4-3-1 = { send-failure-transient }
send-failure-smtp-4-3-2 = The mail server takes no more connections from this mailbox at the moment. The mail waits and goes out by itself.
send-failure-smtp-4-4-1 = The recipient's mail server does not answer. The mail is tried again by itself.
send-failure-smtp-4-4-2 = The recipient's mail server does not answer. The mail is tried again by itself.
send-failure-smtp-4-4-7 = The mail could not be delivered for a long time and is still being tried. Reach the customer on another channel if it is urgent.
send-failure-smtp-4-5-3 = The mail has too many recipients for one delivery. It waits and goes out by itself.
send-failure-smtp-4-7-0 = { send-failure-throttled }
send-failure-smtp-4-7-1 = The recipient's mail server asks to come back later. The mail is tried again by itself.
send-failure-smtp-4-7-28 = { send-failure-throttled }
send-failure-smtp-4-7-8 = { send-failure-auth }
send-failure-smtp-5-1-1 = There is no such mailbox. Check the address with the customer.
send-failure-smtp-5-1-0 = { send-failure-smtp-5-1-1 }
send-failure-smtp-5-1-10 = { send-failure-smtp-5-1-1 }
send-failure-smtp-5-1-2 = The address's domain does not exist or takes no mail. Check the address with the customer.
send-failure-smtp-5-1-3 = The address is not written correctly. Check it with the customer.
send-failure-smtp-5-1-6 = The mailbox has moved and left no new address. Ask the customer for the new one.
send-failure-smtp-5-1-7 = The mail server does not accept the channel's own address as the sender. Check the channel's address.
send-failure-smtp-5-1-8 = { send-failure-smtp-5-1-7 }
send-failure-smtp-5-2-0 = The mailbox has sent as much as its provider allows for a day. The mail waits and goes out by itself.
send-failure-smtp-5-4-5 = { send-failure-smtp-5-2-0 }
send-failure-smtp-5-2-1 = The recipient's mailbox is disabled. Reach the customer on another channel.
send-failure-smtp-5-2-2 = The recipient's mailbox is full. Reach the customer on another channel.
send-failure-smtp-5-2-3 = The mail is bigger than the recipient's mailbox takes. Send a smaller file or a link.
send-failure-smtp-5-3-4 = The mail is bigger than a mail server on the way takes. Send a smaller file or a link.
send-failure-smtp-5-2-252 = The login of the channel may not send as its address. Have that permission given in Microsoft 365.
send-failure-smtp-5-7-60 = { send-failure-smtp-5-2-252 }
send-failure-smtp-5-4-1 = The recipient's mail server refuses mail for this address or cannot be found. Check the address with the customer.
send-failure-smtp-5-4-4 = { send-failure-smtp-5-1-2 }
send-failure-smtp-5-4-6 = The recipient's mail goes round in a circle between servers. Reach the customer on another channel.
send-failure-smtp-5-4-7 = The mail could not be delivered within the time that servers try. Check the address, then send it again.
send-failure-smtp-5-5-3 = The mail has more recipients than the server takes. Send it to fewer.
send-failure-smtp-5-6-0 = { send-failure-content }
send-failure-smtp-5-7-1 = The recipient's mail server refuses the mail by its rules: as spam, or because this sender is not allowed. Reach the customer on another channel, or ask its administrator.
send-failure-smtp-5-7-0 = { send-failure-smtp-5-7-1 }
send-failure-smtp-5-7-3 = { send-failure-auth }
send-failure-smtp-5-7-8 = { send-failure-auth }
send-failure-smtp-5-7-9 = { send-failure-auth }
send-failure-smtp-5-7-14 = { send-failure-auth }
send-failure-smtp-5-7-57 = { send-failure-auth }
send-failure-smtp-5-7-26 = The mail is not proven to come from its domain (SPF, DKIM or DMARC). Have the domain's records corrected.
send-failure-smtp-5-7-30 = The provider does not accept passwords any more. Connect the mailbox with OAuth; the mail waits.

# The same where the message has failed for good: what would have been tried again is not any more.

send-failure-final-auth = The provider did not accept the channel's credential, and the message was given up: it is not tried again. Have the credential renewed, then send it again.
send-failure-final-throttled = The provider did not take so many messages, and this one was given up: it is not tried again. Send it again a little later.
send-failure-final-pair_limit = This customer was getting too many messages in a short time, and this one was given up: it is not tried again. Send it again later.
send-failure-final-transient = The provider had trouble of its own, and the message was given up: it is not tried again. Send it again if it still matters.
send-failure-final-meta-0 = { send-failure-final-auth }
send-failure-final-meta-3 = { send-failure-final-auth }
send-failure-final-meta-10 = { send-failure-final-auth }
send-failure-final-meta-190 = { send-failure-final-auth }
send-failure-final-meta-131005 = { send-failure-final-auth }
send-failure-final-meta-4 = { send-failure-final-throttled }
send-failure-final-meta-613 = { send-failure-final-throttled }
send-failure-final-meta-80007 = { send-failure-final-throttled }
send-failure-final-meta-130429 = { send-failure-final-throttled }
send-failure-final-meta-133016 = { send-failure-final-throttled }
send-failure-final-meta-131056 = { send-failure-final-pair_limit }
send-failure-final-meta-1 = { send-failure-final-transient }
send-failure-final-meta-2 = { send-failure-final-transient }
send-failure-final-meta-131000 = { send-failure-final-transient }
send-failure-final-meta-131016 = { send-failure-final-transient }
send-failure-final-meta-131057 = { send-failure-final-transient }
send-failure-final-meta-133004 = { send-failure-final-transient }
send-failure-final-twilio-20003 = { send-failure-final-auth }
send-failure-final-twilio-20429 = { send-failure-final-throttled }
send-failure-final-twilio-21611 = { send-failure-final-throttled }
send-failure-final-twilio-63018 = { send-failure-final-throttled }
send-failure-final-twilio-20500 = { send-failure-final-transient }
send-failure-final-twilio-20503 = { send-failure-final-transient }
send-failure-final-twilio-30008 = { send-failure-final-transient }
send-failure-final-twilio-63012 = { send-failure-final-transient }
send-failure-final-smtp-4-2-1 = { send-failure-final-transient }
send-failure-final-smtp-4-2-2 = The recipient's mailbox stayed full, and the mail was given up: it is not tried again. Reach the customer on another channel.
send-failure-final-smtp-4-3-1 = { send-failure-final-transient }
send-failure-final-smtp-4-3-2 = { send-failure-final-throttled }
send-failure-final-smtp-4-4-1 = { send-failure-final-transient }
send-failure-final-smtp-4-4-2 = { send-failure-final-transient }
send-failure-final-smtp-4-4-7 = The mail could not be delivered for a long time, and was given up: it is not tried again. Reach the customer on another channel.
send-failure-final-smtp-4-5-3 = { send-failure-final-throttled }
send-failure-final-smtp-4-7-0 = { send-failure-final-throttled }
send-failure-final-smtp-4-7-1 = { send-failure-final-transient }
send-failure-final-smtp-4-7-28 = { send-failure-final-throttled }
send-failure-final-smtp-4-7-8 = { send-failure-final-auth }
send-failure-final-smtp-5-2-0 = { send-failure-final-throttled }
send-failure-final-smtp-5-4-5 = { send-failure-final-throttled }
send-failure-final-smtp-5-7-3 = { send-failure-final-auth }
send-failure-final-smtp-5-7-8 = { send-failure-final-auth }
send-failure-final-smtp-5-7-9 = { send-failure-final-auth }
send-failure-final-smtp-5-7-14 = { send-failure-final-auth }
send-failure-final-smtp-5-7-30 = { send-failure-final-auth }
send-failure-final-smtp-5-7-57 = { send-failure-final-auth }

# Channels: what they lack, what is wrong with them and where to mend it.
channel-missing-access_token = sends nothing: access_token is missing (Meta Business settings, System users, Generate token)
channel-missing-waba_id = its templates are not known: waba_id is missing (WhatsApp Manager, Account tools)
channel-missing-public_url = the provider cannot reach it: server.public_url is missing in the configuration
channel-missing-account_sid = sends nothing: account_sid and from are missing (Twilio Console, Account info)
channel-missing-smtp = sends nothing: smtp and a password or oauth are missing
channel-missing-sending = this node sends nothing: sending.enabled is false
channel-missing-mailbox = this node reads no mailboxes: mailbox.enabled is false
channel-mend-meta-auth = Meta refuses the access token; make a new one for a system user with whatsapp_business_messaging and whatsapp_business_management (Meta Business settings, System users), and add the channel again with --replace
channel-mend-twilio-auth = Twilio refuses the credentials; compare the account SID and the auth token or API key (Twilio Console, Account info), and add the channel again with --replace
channel-mend-email-auth = the mail server refuses the login; check user and password (Gmail: an app password), or give consent again with --consent, and add the channel again with --replace
channel-mend-email-code-certificate = the server’s certificate is not trusted, or is another server’s; check the host, or name the authority in extra_ca_file
channel-mend-email-code-no-folder = a folder cannot be opened; compare --folder with the names that the server has for them
channel-mend-email-code-no-starttls = the server does not offer STARTTLS; take security tls and its port
channel-mend-email-code-private-address = the server has a private address; write the channel into the configuration file, or have channels.any_server set
channel-mend-email-code-plain-text = a connection in the clear is possible on loopback alone; take security tls or starttls
channel-mend-email-code-bad-host = the host is not a server’s name
channel-mend-email-code-bad-ca = extra_ca_file holds no certificate that can be used
channel-mend-email-code-bad-credential = the user or the password has a line break; add the channel again with --replace
channel-mend-auth = the credentials are refused; renew them, and add the channel again with --replace
channel-mend-meta-account = Meta wants something of the account (payment, registration of the number, display name); see WhatsApp Manager, Phone numbers
channel-mend-twilio-account = Twilio wants something of the account (balance, sender registration); see Twilio Console, Messaging, Senders
channel-mend-account = the provider wants something of the account; see its console
channel-mend-media-account = what customers attach cannot be fetched: the channel has no credentials. Give it its keys (relevo channel add with --replace, or the configuration file); what waits is fetched then
channel-mend-media-file = there is no room for files; give the disk or the log’s store (store_bytes) more. What waits is fetched then
channel-mend-throttled = too much at once; it goes on by itself
channel-mend-pair_limit = too many messages to one recipient; it goes on by itself
channel-mend-quality = the provider holds the quality of the number against it; nothing is sent by business initiative until that has changed (WhatsApp Manager, Insights)
channel-mend-integrity = the account is restricted; see the provider’s console for the reason, and appeal there
channel-mend-transient = the server cannot be reached or has trouble of its own; it is tried again by itself. If it stays so, check host, port and security
channel-mend-window = a message came too late for the 24-hour window
channel-mend-recipient = the number or address is not known to the provider; check phone_number_id, from or address
channel-mend-content = the provider did not accept what it was asked; check the definition of the channel
channel-mend-template = templates cannot be listed; check waba_id
channel-mend-file = a file could not be handed over
channel-mend-expired = it took too long
channel-mend-unknown = an answer that Relevo does not know; the code is the provider’s

# relevo channel
cli-done-channel-add = Channel { $channel } added; it is in force.
cli-already-channel-add = Channel { $channel } was there already, like this.
cli-done-channel-remove = Channel removed. Its conversations stay.
cli-already-channel-remove = There was no added channel of this name; nothing was changed.
cli-done-channel-pause = Channel paused: nothing is sent from it
cli-already-channel-pause = Channel was paused already
cli-done-channel-resume = Channel resumed: it sends again
cli-already-channel-resume = Channel was sending already
cli-channel-webhook = Tell the provider this webhook address: { $url }
cli-channel-verify-token = and this verify token: { $token }
cli-channel-next = Try its credentials: relevo channel check { $channel }
cli-channel-good = Everything is good.
cli-channel-not-good = Something of the channel is not good; what to do stands above.
cli-no-consent = No consent was given ({ $code }). { $detail }
cli-consent-device = Open { $url } on any device and type the code { $code } within { $minutes } minutes. Sign in as the owner of the mailbox.
cli-consent-browser = Open this address in a browser on this machine, and sign in as the owner of the mailbox: { $url }
cli-consent-page = Done. You can close this page and go back to the terminal.
cli-consent-given = Consent given.
table-label = LABEL
table-does = DOES
table-health = HEALTH
table-webhook = WEBHOOK
channel-does-both = receives and sends
channel-does-receive = receives
channel-does-send = sends
channel-does-nothing = nothing
channel-paused = paused
part-sending = sending
part-receiving = receiving
part-templates = templates
part-media = media
part-number = number
part-account = account
part-token = token
part-configuration = configuration
# What kind of trouble, where there is no code.
trouble-auth = auth
trouble-throttled = throttled
trouble-pair_limit = pair limit
trouble-quality = quality
trouble-integrity = integrity
trouble-transient = transient
trouble-window = window
trouble-recipient = recipient
trouble-content = content
trouble-template = template
trouble-account = account
trouble-file = file
trouble-expired = expired
trouble-unknown = unknown
trouble-media-account = no credentials
trouble-media-file = no room
health-good = good
health-ailing = ailing
health-broken = broken
health-unknown = not used yet

# relevo conversation send|start|cancel-send
cli-done-send = Message queued
cli-done-typing = The customer is shown that somebody writes, if the provider takes it
cli-already-typing = The customer is shown that anyway
cli-already-send = Message was queued already
cli-done-start = Conversation opened, message queued
cli-already-start = Conversation was opened already
cli-done-cancel-send = Message taken back: it is not sent
cli-already-cancel-send = Message was not going to be sent anyway
cli-no-http = No files are taken at { $http }: { $reason }. Name the broker’s HTTP address with --http or RELEVO_HTTP.

# relevo template, quick-reply, workspace, file
table-template = TEMPLATE
table-templates = TEMPLATES
table-language = LANGUAGE
table-variables = VARIABLES
table-text = TEXT
table-name = NAME
table-title = TITLE
template-state-approved = approved
template-state-pending = in review
template-state-rejected = rejected
template-state-paused = paused
template-state-disabled = disabled
template-problem-not_usable = It cannot be used now: { $about }
template-problem-missing = No value for: { $about }
template-problem-surplus = It has no variable: { $about }
template-problem-blank = Blank value for: { $about }
template-problem-spacing = A line break, a tab or more than four spaces in the value for: { $about }
template-problem-too_long = Too long a value for: { $about }
template-problem-header_file = A file for the header is needed and not given, or the other way round
template-problem-header_location = Its header is a place, which cannot be given
template-problem-repeated = Several values for: { $about }
cli-file-saved = Saved to { $path } ({ $size })
cli-workspace-same = The workspace is as the file says.
cli-workspace-applied = { $n ->
    [one] 1 change made.
   *[other] { $n } changes made.
}

## A bot’s file of rules

rules-yaml = not YAML: { $reason }
rules-file-too-big = larger than { $limit } bytes
rules-too-deep = nested deeper than { $limit } levels
rules-not-plain = anchors (&), aliases (*) and tags (!) are not part of the format
rules-unknown-key = unknown key “{ $key }”; known here: { $known }
rules-twice = “{ $key }” stands here twice
rules-missing = the key “{ $key }” is missing
rules-expected = the value has another shape; expected: { $wanted }
rules-empty = there is nothing here
rules-too-long = longer than { $limit } characters, counting { "{" }contact.name{ "}" } as 60
rules-too-many = more than { $limit }
rules-out-of-range = must be a number from { $least } to { $most }
rules-bad-name = “{ $name }” is not a name; use 1 to 32 lower-case letters, digits or hyphens
rules-duplicate = “{ $value }” is there already
rules-no-step = there is no step “{ $step }”
rules-loop = goes round without a word of the customer: { $steps }
rules-long-chain = says more than { $limit } messages in a row
rules-excludes = only one of these is possible: { $keys }
rules-needs-one-of = at least one of these is needed: { $keys }
rules-no-word = has no word of letters or digits
rules-unknown-variable = there is no variable “{ $name }”; the one there is: contact.name
rules-bad-regex = not a regular expression: { $reason }
rules-regex-too-big = the regular expression is too big; use smaller repetitions
rules-regex-matches-all = the regular expression matches an empty text, and so every message
rules-choice-leads-twice = the choice “{ $id }” leads to another step elsewhere; give it another id
rules-not-countable = a fallback that is counted has to say a text or a menu, not a quick reply
