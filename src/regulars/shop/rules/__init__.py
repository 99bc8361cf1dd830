"""What the ground decides about words: what has to be masked, and under which words a note is found."""
