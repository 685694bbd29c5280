# Run inside the image: nothing to set up, an attacker brings only tools.
true
