"""Makes the tables, the queues and three people, and prints what the load generator signs in with (JSON)."""
import json
import os
import secrets
import string
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "peer_settings")
django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model  # noqa: E402
from django.contrib.sessions.backends.signed_cookies import SessionStore  # noqa: E402
from django.core.management import call_command  # noqa: E402

from helpdesk.models import Queue  # noqa: E402


def cookies(user):
    """The cookies of somebody who has signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    token = "".join(secrets.choice(string.ascii_letters) for _ in range(32))
    return {"session": session.session_key, "csrf": token}


def main():
    mailboxes = int(sys.argv[1])
    call_command("migrate", verbosity=0, interactive=False)

    queues = [("WhatsApp", "wa")] + [(f"Mail {n}", f"mail{n}") for n in range(mailboxes)]
    made = [
        Queue.objects.create(
            title=title,
            slug=slug,
            email_address=f"{slug}@helpdesk.example",
            allow_public_submission=True,
            allow_email_submission=slug != "wa",
            email_box_type=None if slug == "wa" else "local",
            logging_type="none",
        )
        for title, slug in queues
    ]
    people = [
        get_user_model().objects.create(username=name, email=f"{name}@helpdesk.example", is_staff=True, is_superuser=True)
        for name in ("gateway", "laura", "martin")
    ]
    print(json.dumps({"queue": made[0].pk, "people": {p.username: cookies(p) for p in people}}))


main()
