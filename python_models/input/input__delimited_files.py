"""Finds the state of every delimited file: encoding, line ends, records, whether it is regular."""

from applicant_personas.delimited import describe_files


def model(dbt, session):
    dbt.config(materialized="table")
    headers = dbt.ref("input__delimited_headers")
    files = headers.order("path").df()
    read_blob = "select content from read_blob(?)"
    return describe_files(
        files, read_remote=lambda path: session.execute(read_blob, [path]).fetchone()[0]
    )
