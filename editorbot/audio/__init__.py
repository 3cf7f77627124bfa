"""Sound files in and out: reading, writing, decoded copies, mel spectrograms, stems, rendering."""
