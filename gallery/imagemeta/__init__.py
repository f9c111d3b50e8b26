"""How a picture was made, read from what its tool wrote into it. Plain Python; every reader is linear and bounded."""
