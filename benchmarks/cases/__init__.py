"""All cases by name, in the order of the report. The targets are the project's own."""

from benchmarks.cases import chains, imports, memory, nets, optimizers, trainings

CASES = {
    case.name: case
    for module in (nets, chains, optimizers, memory, imports, trainings)
    for case in module.CASES
}
