{{ read_visits() }}
