"""The facts and rules of a technical-assistance engagement; no input or output happens here."""
