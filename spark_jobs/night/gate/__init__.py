"""The gate after every table: Great Expectations, rules of SQL across tables, and a verdict.

Small tables are read and judged in this process, large ones by Spark; both give the same verdict.
"""
