{# Phases are a list of {name, at_risk, outcome}, with the days to census between which they are
   open where they are not always; the stages are those of the contract. #}
{% macro check_phases() -%}
    {%- set phases = var('phases') -%}
    {%- set how
        = '; give a list such as [{name: admitted, at_risk: admitted, outcome: enrolled}].' -%}
    {%- if phases is mapping or phases is string or phases is not sequence
           or not phases | length -%}
        {%- do stop('the var phases is not a list of phases' ~ how) -%}
    {%- endif -%}
    {%- set names, starts = [], [] -%}
    {%- for phase in phases -%}
        {%- set given = phase.keys() | reject('in', ['opens', 'closes']) | sort | join(' ')
            if phase is mapping -%}
        {%- if given != 'at_risk name outcome' -%}
            {%- do stop(
                'entry ' ~ loop.index ~ ' of the var phases has not exactly the keys name, '
                ~ 'at_risk and outcome (and opens, closes where it is not always open)' ~ how
            ) -%}
        {%- endif -%}
        {%- do check_phase(phase) -%}
        {%- if phase.name in names -%}
            {%- do stop(
                'the var phases names two phases ' ~ phase.name ~ '; rename one of them.'
            ) -%}
        {%- endif -%}
        {%- if (phase.at_risk, phase.outcome) in starts -%}
            {%- do stop(
                'two phases of the var phases go from ' ~ phase.at_risk ~ ' to ' ~ phase.outcome
                ~ '; keep one of them.'
            ) -%}
        {%- endif -%}
        {%- do names.append(phase.name) -%}
        {%- do starts.append((phase.at_risk, phase.outcome)) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro check_phase(phase) -%}
    {%- if not modules.re.fullmatch('[a-z][a-z0-9_]{0,59}', phase.name | string) -%}
        {%- do stop(
            'the phase name ' ~ phase.name ~ ' in the var phases is not a plain word; use lower '
            ~ 'case letters, digits and _, such as admitted.'
        ) -%}
    {%- endif -%}
    {%- if phase.name == 'all' or phase.name.startswith('all_') -%}
        {%- do stop(
            'the phase name ' ~ phase.name ~ ' in the var phases is kept for the phases of one '
            ~ 'outcome together; choose another, such as admitted.'
        ) -%}
    {%- endif -%}
    {%- set stages = contract_values('stage_events', 'stage') -%}
    {%- for key in ['at_risk', 'outcome'] if phase[key] not in stages -%}
        {%- do stop(
            key ~ ' of the phase ' ~ phase.name ~ ' in the var phases is ' ~ phase[key]
            ~ ', which is no stage; the stages are ' ~ stages | join(', ') ~ '.'
        ) -%}
    {%- endfor -%}
    {%- if stages.index(phase.at_risk) >= stages.index(phase.outcome) -%}
        {%- do stop(
            'the phase ' ~ phase.name ~ ' in the var phases goes from ' ~ phase.at_risk ~ ' to '
            ~ phase.outcome ~ ', which does not come later; give an outcome that follows at_risk.'
        ) -%}
    {%- endif -%}
    {%- set opens, closes = phase.get('opens'), phase.get('closes') -%}
    {%- for key in ['opens', 'closes']
           if key in phase and not (is_whole_number(phase[key]) and -3650 <= phase[key] <= 3650) -%}
        {%- do stop(
            key ~ ' of the phase ' ~ phase.name ~ ' in the var phases is ' ~ phase[key]
            ~ '; give a whole number of days to census, such as 240.'
        ) -%}
    {%- endfor -%}
    {%- if opens is not none and closes is not none and opens < closes -%}
        {%- do stop(
            'the phase ' ~ phase.name ~ ' in the var phases opens ' ~ opens ~ ' and closes '
            ~ closes ~ ' days before census; give it a close that comes later, a smaller number.'
        ) -%}
    {%- endif -%}
{%- endmacro %}
