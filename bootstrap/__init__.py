"""Settings, logging, the clock, and the wiring that joins the packages."""
