"""DECREE: does a pre-trained image encoder carry a backdoor?"""
