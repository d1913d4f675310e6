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
field-time = is not a time
field-line = must have 1 to { $max } characters on one line
field-same-contact = must be another contact
field-tag-name = must have 1 to 40 characters on one line
field-tag-name-taken = is the name of another tag
field-colour = is not a colour written #rrggbb
field-create-by-name = can only be set together with a name

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
message-edited = edited
message-revoked = deleted by its author

## The thread between the messages.

timeline-episode = Episode { $episode } begins
timeline-paused = { $by } paused the bot: { $reason }
timeline-paused-automatic = The bot was paused automatically: { $reason }
timeline-resumed = { $by } resumed the bot
timeline-assigned = { $by } assigned it to { $assignee }
timeline-claimed = { $by } took it
timeline-resolved = { $by } resolved it
timeline-resolved-reason = { $by } resolved it: { $reason }
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
metrics-republished = { $facts } facts published again on { $subject }
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
cli-done-assign = Conversation assigned
cli-done-claim = The conversation is yours
cli-done-resolve = Conversation resolved
cli-done-reopen = Conversation reopened
cli-done-note = Note added
cli-already-pause = It was paused already
cli-already-resume = It was active already
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
