"""From files to clips: data sets, frames, augmentation and plans of batches."""
