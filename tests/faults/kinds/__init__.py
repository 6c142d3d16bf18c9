"""What can go wrong: each function plays a round of one kind of fault, up to where only the rest of the input is to be drained."""
