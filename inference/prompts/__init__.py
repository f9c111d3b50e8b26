"""What a prompt says, in the language of AUTOMATIC1111's web UI. Plain Python; every reader is linear in the text."""
