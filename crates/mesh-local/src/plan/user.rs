//! Reads the users of containers.

use mesh_infra::cfn::ecs;

use super::parts::ContainerUser;
use super::reader::Reader;
use super::values::known;
use crate::network::Network;

/// The user of a container, as Docker reads `User`: `uid`, `uid:gid`, or a name. Only root's name means the same outside
/// of the image; others, and all users in the shared network, are listed as not simulated.
pub(super) fn read(
    definition: &ecs::ContainerDefinition,
    path: &str,
    reader: &mut Reader<'_, '_>,
) -> Option<ContainerUser> {
    let text = definition.user.as_ref().and_then(known)?;
    let user = parse(&text).filter(|_| reader.network == Network::Namespaces);
    if user.is_none() {
        reader.mark_not_simulated(format!("{path}.User"), "property");
    }
    user
}

fn parse(text: &str) -> Option<ContainerUser> {
    let id = |text: &str| if text == "root" { Some(0) } else { text.parse().ok() };
    let (uid, gid) = text.split_once(':').unwrap_or((text, "0"));
    Some(ContainerUser {
        uid: id(uid)?,
        gid: id(gid)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_numbers_or_root() {
        let user = |uid, gid| Some(ContainerUser { uid, gid });
        for (text, expected) in [
            ("1337", user(1337, 0)),
            ("1000:1338", user(1000, 1338)),
            ("root", user(0, 0)),
            ("root:20", user(0, 20)),
            ("node", None),
            ("1000:staff", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
