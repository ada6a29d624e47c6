//! Management permissions, and the roles that are named sets of them.

macro_rules! permissions {
    ($($name:ident = $text:literal,)*) => {
        /// What a management key may do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Permission { $($name,)* }

        impl Permission {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

permissions! {
    EnvironmentsRead = "environments:read",
    EnvironmentsWrite = "environments:write",
    OrganizationsRead = "organizations:read",
    OrganizationsWrite = "organizations:write",
    OwnersRead = "owners:read",
    OwnersWrite = "owners:write",
    ResourcesRead = "resources:read",
    ResourcesWrite = "resources:write",
    KeysRead = "keys:read",
    KeysCreate = "keys:create",
    KeysUpdate = "keys:update",
    KeysRevoke = "keys:revoke",
    KeysImport = "keys:import",
    ApplicationsRead = "applications:read",
    ApplicationsCreate = "applications:create",
    ApplicationsUpdate = "applications:update",
    ApplicationsRevoke = "applications:revoke",
    CredentialsVerify = "credentials:verify",
    ManagementKeysRead = "management_keys:read",
    ManagementKeysWrite = "management_keys:write",
    OperatorsRead = "operators:read",
    OperatorsWrite = "operators:write",
    JournalRead = "journal:read",
    SigningKeysRead = "signing-keys:read",
    SigningKeysWrite = "signing-keys:write",
    InstanceAdminister = "instance:administer",
}

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a management permission; they are listed in the documentation of access"))
    }
}

/// A set of management permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    pub const fn of(list: &[Permission]) -> Self {
        let mut bits = 0;
        let mut place = 0;
        while place < list.len() {
            bits |= 1 << list[place] as u8;
            place += 1;
        }
        Self(bits)
    }

    pub const fn has(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u8 != 0
    }

    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn complement(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }

    /// What is here and not there.
    pub fn beyond(self, other: Self) -> impl Iterator<Item = Permission> {
        Self(self.0 & !other.0).iter()
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }

    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Permission::as_str).collect()
    }

    /// Reads names, telling of each that is unknown.
    pub fn parse(names: &[String]) -> Result<Self, String> {
        let parsed: Result<Vec<Permission>, String> = names.iter().map(|name| name.parse()).collect();
        Ok(Self::of(&parsed?))
    }
}

/// What an operator is, as a set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Runs the day: organizations, owners, keys, applications.
    Operator,
    /// Contains a leak: sees everything and the journal, revokes and disables, replaces signing keys.
    Security,
    /// Everything in the environment, management access included.
    Administrator,
}

const VIEWER: Permissions = Permissions::of(&[
    Permission::EnvironmentsRead,
    Permission::OrganizationsRead,
    Permission::OwnersRead,
    Permission::ResourcesRead,
    Permission::KeysRead,
    Permission::ApplicationsRead,
    Permission::ManagementKeysRead,
    Permission::OperatorsRead,
    Permission::SigningKeysRead,
]);

impl Role {
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Security, Self::Administrator];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Security => "security",
            Self::Administrator => "administrator",
        }
    }

    pub const fn permissions(self) -> Permissions {
        match self {
            Self::Viewer => VIEWER,
            Self::Operator => VIEWER.or(Permissions::of(&[
                Permission::OrganizationsWrite,
                Permission::OwnersWrite,
                Permission::ResourcesWrite,
                Permission::KeysCreate,
                Permission::KeysUpdate,
                Permission::KeysRevoke,
                Permission::KeysImport,
                Permission::ApplicationsCreate,
                Permission::ApplicationsUpdate,
                Permission::ApplicationsRevoke,
                Permission::CredentialsVerify,
            ])),
            Self::Security => VIEWER.or(Permissions::of(&[
                Permission::OrganizationsWrite,
                Permission::KeysUpdate,
                Permission::KeysRevoke,
                Permission::ApplicationsUpdate,
                Permission::ApplicationsRevoke,
                Permission::JournalRead,
                Permission::SigningKeysWrite,
            ])),
            Self::Administrator => Permissions::ALL,
        }
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a role: want viewer, operator, security or administrator"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_grow_and_names_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(VIEWER.beyond(role.permissions()).count(), 0, "{role:?} sees what a viewer sees");
            let names: Vec<String> = role.permissions().names().into_iter().map(str::to_owned).collect();
            assert_eq!(Permissions::parse(&names), Ok(role.permissions()));
        }
        assert!(Permissions::parse(&["keys:destroy".to_owned()]).is_err());
    }
}
