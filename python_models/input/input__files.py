"""Describes the input folder: every file, and whether and how it is read."""

from applicant_personas.input_folder import Readers, describe_folder


def model(dbt, session):
    dbt.config(materialized="table")
    source = dbt.ref("input__source")
    contract = dbt.ref("input__contract")
    ((folder, project),) = source.fetchall()
    list_files = "select file from glob(? || '**')"
    read_blob = "select content from read_blob(?)"
    readers = Readers(
        list_remote=lambda path: [row[0] for row in session.execute(list_files, [path]).fetchall()],
        read_remote=lambda path: session.execute(read_blob, [path]).fetchone()[0],
        open_parquet=lambda path: session.read_parquet(path, hive_partitioning=False),
    )
    return describe_folder(folder, project, contract.df(), readers)
