"""What the ground decides: who may do what, what has to be masked, what a door asks for, what is unusual."""
