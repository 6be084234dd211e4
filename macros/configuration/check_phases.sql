{# Phases are a list of {name, at_risk, outcome}; the stages are those of the contract. #}
{% macro check_phases() -%}
    {%- set phases = var('phases') -%}
    {%- set how = '; give a list such as [{name: yield, at_risk: admitted, outcome: enrolled}].' -%}
    {%- if phases is mapping or phases is string or phases is not sequence
           or not phases | length -%}
        {%- do stop('the var phases is not a list of phases' ~ how) -%}
    {%- endif -%}
    {%- set names = [] -%}
    {%- for phase in phases -%}
        {%- if phase is not mapping
               or phase.keys() | sort | join(' ') != 'at_risk name outcome' -%}
            {%- do stop(
                'entry ' ~ loop.index ~ ' of the var phases has not exactly the keys name, '
                ~ 'at_risk and outcome' ~ how
            ) -%}
        {%- endif -%}
        {%- do check_phase(phase) -%}
        {%- if phase.name in names -%}
            {%- do stop(
                'the var phases names two phases ' ~ phase.name ~ '; rename one of them.'
            ) -%}
        {%- endif -%}
        {%- do names.append(phase.name) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro check_phase(phase) -%}
    {%- if not modules.re.match('^[a-z][a-z0-9_]*$', phase.name | string) -%}
        {%- do stop(
            'the phase name ' ~ phase.name ~ ' in the var phases is not a plain word; use lower '
            ~ 'case letters, digits and _, such as yield.'
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
{%- endmacro %}
