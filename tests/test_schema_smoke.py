import psycopg
def test_it(database):
    with psycopg.connect(database) as c:
        print(c.execute("select count(*) from pg_class where relnamespace='raw'::regnamespace").fetchone())
