//! Fargate's limits of a task definition: the network mode, the task size, the sizes of its containers, and log drivers.

use cfn::{Value, ecs};
use sidecar_contract::Diagnostics;

use crate::model::TemplateModel;

/// The CPU sizes in units, and the memory allowed with each in MiB: minimum, maximum, step.
///
/// Source: ECS developer guide, "Task definition parameters for Fargate" (read 2026-11-23); the last row, without
/// a constant step, from the Fargate rules of cfn-lint 1.58.0.
const SIZES: [(u32, Memory); 8] = [
    (256, Memory::OneOf(&[512, 1024, 2048])),
    (512, Memory::Steps(1024, 4096, 1024)),
    (1024, Memory::Steps(2048, 8192, 1024)),
    (2048, Memory::Steps(4096, 16_384, 1024)),
    (4096, Memory::Steps(8192, 30_720, 1024)),
    (8192, Memory::Steps(16_384, 61_440, 4096)),
    (16_384, Memory::Steps(32_768, 122_880, 8192)),
    (32_768, Memory::OneOf(&[61_440, 122_880, 249_856])),
];

/// The log drivers of Fargate. Source: ECS API reference, `LogConfiguration` (read 2026-11-30).
const LOG_DRIVERS: [&str; 3] = ["awslogs", "splunk", "awsfirelens"];

#[derive(Clone, Copy)]
enum Memory {
    OneOf(&'static [u32]),
    Steps(u32, u32, u32),
}

impl Memory {
    fn allows(self, mib: u32) -> bool {
        match self {
            Memory::OneOf(sizes) => sizes.contains(&mib),
            Memory::Steps(min, max, step) => (min..=max).contains(&mib) && mib.is_multiple_of(step),
        }
    }

    fn allowed(self) -> String {
        match self {
            Memory::OneOf(sizes) => listed(sizes.iter()),
            Memory::Steps(min, max, step) => format!("{min} to {max} in steps of {step}"),
        }
    }
}

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for task in model.task_definitions() {
        check_task_definition(task.value, &task.resource.properties_path(), diagnostics);
    }
}

fn check_task_definition(task: &ecs::TaskDefinition, path: &str, diagnostics: &mut Diagnostics) {
    let compatibilities = task.requires_compatibilities.as_ref().and_then(Value::known_items);
    if !compatibilities.is_some_and(|compatibilities| compatibilities.contains(&"FARGATE")) {
        return;
    }
    match &task.network_mode {
        Some(Value::Known(mode)) if mode != "awsvpc" => diagnostics.add(
            format!("{path}.NetworkMode"),
            format!("is `{mode}`; Fargate allows only awsvpc"),
        ),
        None => diagnostics.add(format!("{path}.NetworkMode"), "is missing; Fargate requires awsvpc"),
        _ => {}
    }
    check_size(task, path, diagnostics);
    check_log_drivers(task, path, diagnostics);
}

/// Reports log drivers and configuration files of log routers that only instances have.
fn check_log_drivers(task: &ecs::TaskDefinition, path: &str, diagnostics: &mut Diagnostics) {
    for (index, container) in task.container_definitions.iter().enumerate() {
        let path = format!("{path}.ContainerDefinitions[{index}]");
        let driver = container
            .log_configuration
            .as_ref()
            .and_then(|log| log.get("LogDriver")?.as_str());
        if let Some(driver) = driver.filter(|driver| !LOG_DRIVERS.contains(driver)) {
            let message = format!("is `{driver}`; Fargate has the log drivers {}", LOG_DRIVERS.join(", "));
            diagnostics.add(format!("{path}.LogConfiguration.LogDriver"), message);
        }
        let kind = container.firelens_configuration.as_ref();
        let kind = kind.and_then(|router| router.options.get("config-file-type")?.known());
        if let Some(kind) = kind.filter(|kind| *kind != "file") {
            let message = format!("is `{kind}`; Fargate allows only file");
            diagnostics.add(
                format!("{path}.FirelensConfiguration.Options.config-file-type"),
                message,
            );
        }
    }
}

fn check_size(task: &ecs::TaskDefinition, path: &str, diagnostics: &mut Diagnostics) {
    for (field, value) in [("Cpu", &task.cpu), ("Memory", &task.memory)] {
        if value.is_none() {
            diagnostics.add(format!("{path}.{field}"), "is missing; Fargate requires it");
        }
    }
    let Some(Value::Known(cpu)) = &task.cpu else { return };
    let size = in_units(cpu, "vcpu").and_then(|units| SIZES.iter().find(|(size, _)| *size == units));
    let Some((units, allowed)) = size else {
        let sizes = listed(SIZES.iter().map(|(size, _)| size));
        diagnostics.add(format!("{path}.Cpu"), format!("is `{cpu}`; Fargate allows {sizes}"));
        return;
    };
    let Some(Value::Known(memory)) = &task.memory else {
        return;
    };
    if !in_units(memory, "gb").is_some_and(|mib| allowed.allows(mib)) {
        diagnostics.add(
            format!("{path}.Memory"),
            format!(
                "is `{memory}`; with {units} CPU units, Fargate allows {} MiB",
                allowed.allowed()
            ),
        );
        return;
    }
    let memory = in_units(memory, "gb").unwrap_or_default();
    check_container_sizes(task, (*units, memory), path, diagnostics);
}

/// Source: ECS API reference, `ContainerDefinition` (read 2026-11-23): reservations of all containers together, and the
/// limit of each container, must not exceed the size of the task.
fn check_container_sizes(
    task: &ecs::TaskDefinition,
    (cpu, memory): (u32, u32),
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    for (property, available, unit, is_sum) in [
        ("Cpu", cpu, "CPU units", true),
        ("MemoryReservation", memory, "MiB", true),
        ("Memory", memory, "MiB", false),
    ] {
        let containers = task.container_definitions.iter().enumerate();
        let sizes = containers.filter_map(|(index, container)| {
            let value = Value::<u32>::from_json(container.other.get(property)?).ok()?;
            Some((index, value.known().copied()?))
        });
        let sizes: Vec<(usize, u32)> = sizes.collect();
        let sum: u32 = sizes.iter().fold(0, |sum, (_, value)| sum.saturating_add(*value));
        if is_sum && sum > available {
            diagnostics.add(
                format!("{path}.ContainerDefinitions"),
                format!("have a total {property} of {sum} {unit}; the task has {available}"),
            );
        }
        for (index, value) in sizes.into_iter().filter(|(_, value)| !is_sum && *value > available) {
            diagnostics.add(
                format!("{path}.ContainerDefinitions[{index}].{property}"),
                format!("is {value} {unit}; the task has {available}"),
            );
        }
    }
}

/// Parses a size in units; a number with the larger unit (`.5 vCPU`, `2 GB`) is multiplied by 1024.
fn in_units(size: &str, larger_unit: &str) -> Option<u32> {
    let size = size.trim().to_ascii_lowercase();
    let Some(number) = size.strip_suffix(larger_unit) else {
        return size.parse().ok();
    };
    let units = number.trim().parse::<f64>().ok()? * 1024.0;
    // Sizes are small multiples of a quarter, exact in floating point; other numbers are invalid.
    (units.fract() == 0.0 && (0.0..=1e6).contains(&units)).then_some(units as u32)
}

fn listed<'a>(sizes: impl Iterator<Item = &'a u32>) -> String {
    let sizes: Vec<_> = sizes.map(u32::to_string).collect();
    match sizes.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => sizes.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cfn::StringList;
    use serde_json::json;

    fn task(cpu: &str, memory: &str) -> ecs::TaskDefinition {
        ecs::TaskDefinition {
            cpu: Some(Value::from(cpu)),
            memory: Some(Value::from(memory)),
            network_mode: Some(Value::from("awsvpc")),
            requires_compatibilities: Some(StringList::list(["FARGATE"])),
            ..ecs::TaskDefinition::default()
        }
    }

    fn errors_of(task: &ecs::TaskDefinition) -> String {
        let mut diagnostics = Diagnostics::new();
        check_task_definition(task, "T", &mut diagnostics);
        diagnostics.to_string()
    }

    fn size_errors(cpu: &str, memory: &str) -> String {
        errors_of(&task(cpu, memory))
    }

    #[test]
    fn task_sizes_are_those_of_fargate() {
        for (cpu, memory) in [
            ("256", "512"),
            (".25 vCPU", "0.5 GB"),
            ("512", "4096"),
            ("1vcpu", "3GB"),
            ("8192", "20480"),
            ("32768", "249856"),
        ] {
            assert_eq!(size_errors(cpu, memory), "", "{cpu}/{memory}");
        }
        assert_eq!(
            size_errors("300", "512"),
            "T.Cpu: is `300`; Fargate allows 256, 512, 1024, 2048, 4096, 8192, 16384 or 32768"
        );
        assert_eq!(
            size_errors("256", "4096"),
            "T.Memory: is `4096`; with 256 CPU units, Fargate allows 512, 1024 or 2048 MiB"
        );
        assert_eq!(
            size_errors("8192", "17 GB"),
            "T.Memory: is `17 GB`; with 8192 CPU units, Fargate allows 16384 to 61440 in steps of 4096 MiB"
        );
        assert_eq!(size_errors("NaN vCPU", "1").lines().count(), 1);
    }

    #[test]
    fn log_drivers_are_those_of_fargate() {
        let with_driver = |driver: &str| {
            let mut container = ecs::ContainerDefinition::new("x", "x");
            container.log_configuration = Some(json!({"LogDriver": driver}));
            let mut task = task("256", "512");
            task.container_definitions = vec![container];
            task
        };
        for driver in LOG_DRIVERS {
            assert_eq!(errors_of(&with_driver(driver)), "");
        }
        let mut task = with_driver("gelf");
        assert_eq!(
            errors_of(&task),
            "T.ContainerDefinitions[0].LogConfiguration.LogDriver: is `gelf`; Fargate has the log drivers awslogs, splunk, \
             awsfirelens"
        );
        task.requires_compatibilities = Some(StringList::list(["EC2"]));
        assert_eq!(errors_of(&task), "");
    }

    #[test]
    fn containers_must_fit_into_the_task() {
        let container = |properties: serde_json::Value| {
            let mut container = ecs::ContainerDefinition::new("x", "x");
            container.other = properties.as_object().cloned().expect("an object");
            container
        };
        let mut task = task("256", "512");
        task.container_definitions = vec![
            container(json!({"Cpu": 128, "Memory": "512", "MemoryReservation": 300})),
            container(json!({"Cpu": "128", "Memory": {"Ref": "Size"}, "MemoryReservation": 212})),
        ];
        assert_eq!(errors_of(&task), "");
        task.container_definitions
            .push(container(json!({"Cpu": 1, "Memory": 513, "MemoryReservation": 1})));
        assert_eq!(
            errors_of(&task),
            "T.ContainerDefinitions: have a total Cpu of 257 CPU units; the task has 256\n\
             T.ContainerDefinitions: have a total MemoryReservation of 513 MiB; the task has 512\n\
             T.ContainerDefinitions[2].Memory: is 513 MiB; the task has 512"
        );
    }
}
