{{ read_backlinks() }}
