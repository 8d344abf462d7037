"""Campaign: faults of machines, disks, databases and networks, and one judge of what they did."""
