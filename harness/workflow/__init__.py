"""The user's own stack, without faults: made from the template, compared, deployed, filled, watched and removed."""
