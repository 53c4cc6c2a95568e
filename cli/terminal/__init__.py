"""What every verb is typed and answered with, whatever it is about."""
