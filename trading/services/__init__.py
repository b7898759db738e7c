"""Where deciding meets the world: the only place that joins pure logic with database, Redis and venues."""
