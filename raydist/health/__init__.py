"""What a machine must offer a training, and what is unsafe on it; asked by a training and by the doctor."""
