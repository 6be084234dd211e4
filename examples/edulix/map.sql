-- The flat file as the tables of the input contract. `source` is the view of its rows as text.
-- Nothing is cleaned here: values go through as they are written, and the project judges them.

-- One row of the file is one application, and its number is the application's id.
create temp table forms as
select
    'E' || lpad(cast(row_number() over () as varchar), 5, '0') as application_id,
    nullif(regexp_extract(termAndYear, '^(Spring|Summer|Fall)', 1), '') as season,
    -- 'Fall - 2013' and 'Fall - 13', of the years that the file is about.
    cast(nullif(regexp_extract(termAndYear, ' - (?:20)?(0[6-9]|1[0-6])$', 1), '') as integer)
        + 2000 as year,
    *
from source;

create temp table placed_forms as
select
    *,
    case
        when season is null then 'Term unknown'
        when year is null then season || ', year unknown'
        else season || ' ' || year
    end as entry_term
from forms;

create table persons as
select
    applicant_id as person_id,
    -- The forum is for people who apply to the US from abroad; from where, the file does not say.
    'international' as residency,
    round(max(cast(industryExp as integer)) / 12, 2) as years_experience
from forms
group by applicant_id;

create table applications as
select
    application_id,
    applicant_id as person_id,
    entry_term,
    univName as program_code,
    case when admit = '1' then 'admitted' else 'denied' end as current_stage,
    program as x_degree,
    major as x_major,
    specialization as x_specialization,
    department as x_department,
    ugCollege as x_college,
    researchExp as x_research_months,
    internExp as x_internship_months,
    journalPubs as x_journal_papers,
    confPubs as x_conference_papers,
    -- The best of the class can't have a lower grade: where the file says so, one is mistaken.
    case
        when cast(topperCgpa as double) >= cast(cgpa as double) and cast(cgpa as double) > 0
            then round(cast(cgpa as double) / cast(topperCgpa as double), 4)
    end as x_grade_to_best
from placed_forms;

-- A row a score that is stated. Scales are mixed within each of these columns.
create table test_scores as
select
    application_id || '-' || test || '-' || component as score_id,
    applicant_id as person_id,
    test as test_code,
    component,
    value,
    'self_reported' as status
from forms
cross join lateral (
    values
        ('toefl', 'total', toeflScore),
        ('toefl', 'writing', toeflEssay),
        ('gre', 'verbal', greV),
        ('gre', 'quant', greQ),
        ('gre', 'analytical', greA),
        ('gmat', 'verbal', gmatV),
        ('gmat', 'quant', gmatQ),
        ('gmat', 'analytical', gmatA)
) as stated (test, component, value)
where value is not null;

create table education_records as
select
    application_id || '-degree' as education_id,
    applicant_id as person_id,
    cgpa as gpa_value,
    cgpaScale as gpa_scale_max,
    ugCollege as institution,
    department as field
from forms;

-- All decisions are made. A term without a year has no order: it can't be placed in time.
create table entry_terms as
select distinct
    entry_term,
    'closed' as status,
    10 * year + case season when 'Spring' then 1 when 'Summer' then 2 when 'Fall' then 3 end
        as term_order
from placed_forms;

create table programs as
select distinct univName as program_code, univName as program_name
from forms;
