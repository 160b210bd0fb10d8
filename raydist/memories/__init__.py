"""What losses compare with, cluster prototypes and tracklet slots, and the verbs that change them in place."""
