"""Songs on disk, demo songs, splits by song and simulated pairs."""
