"""What a program of one's own calls; `raydist` itself hands it out, loaded when it is asked for."""
