"""Pictures that show people what they show, and models less of what their owner wants to hide."""
