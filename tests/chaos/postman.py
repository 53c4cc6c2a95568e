"""The mail catcher as a process of its own, so that it can be killed: `postman MAILDIR PORT`."""

import signal
import sys
from pathlib import Path

from embedded.mailcatcher import start_mail_catcher

if __name__ == "__main__":
    start_mail_catcher(Path(sys.argv[1]), port=int(sys.argv[2]))
    signal.pause()
