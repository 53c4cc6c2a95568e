"""What a rule is given and how it joins: the context, the registry, days, authority."""
