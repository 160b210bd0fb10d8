"""DCL, dual contrastive learning. Its two stages are shared ones: `raydist.methods.common`."""
