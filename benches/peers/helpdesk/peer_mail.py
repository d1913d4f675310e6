"""One mailbox of the peer: takes each file of a folder, in the order of arrival, as `get_email` takes each mail of an IMAP folder.

Usage: peer_mail.py SLUG FOLDER. Runs until it is ended. A file's name begins with its number, and it is there whole or not at all.
"""
import logging
import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "peer_settings")
django.setup()

from helpdesk.email import extract_email_metadata  # noqa: E402
from helpdesk.models import Queue  # noqa: E402

# How long an empty folder is left alone, in seconds.
PAUSE = 0.002


def main():
    slug, folder = sys.argv[1:3]
    queue = Queue.objects.get(slug=slug)
    logger = logging.getLogger("peer")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    while True:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
        for name in names:
            path = os.path.join(folder, name)
            with open(path, encoding="utf-8") as file:
                message = file.read()
            if extract_email_metadata(message=message, queue=queue, logger=logger):
                os.unlink(path)
        if not names:
            time.sleep(PAUSE)


main()
