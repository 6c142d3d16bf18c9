"""METER's state made again from the topics, and compared before it takes the place of the one in force."""
