"""From files to clips: published layouts and own manifests, frames and their cache, augmentation, plans of batches."""
