"""Reads the delimited files that a database reader would not read right, record by record."""

from applicant_personas.delimited import read_files


def model(dbt, session):
    dbt.config(materialized="table")
    described = dbt.ref("input__files")
    files = described.filter("is_read and not is_regular").order("path").df()
    read_blob = "select content from read_blob(?)"
    return read_files(
        files, read_remote=lambda path: session.execute(read_blob, [path]).fetchone()[0]
    )
