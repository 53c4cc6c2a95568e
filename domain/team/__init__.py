"""The team of an engagement, its risks, and handing the lead over."""
