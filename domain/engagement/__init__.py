"""An engagement: its state, what every rule about it asks first, its burden on the LEA."""
