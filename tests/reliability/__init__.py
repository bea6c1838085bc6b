"""What an accident or an attacker does to the program: kills, full disks, files without end."""
