{{ read_looks() }}
