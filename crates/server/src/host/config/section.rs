//! `section!`: declares a key once (name, type, default, words) for serde, `config print` and the docs.
//! It never decides what a value means.

/// One key, as an operator reads about it.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// Its doc comment, one line of text per source line.
    pub doc: &'static str,
    /// A secret may also come from a file (`…_FILE`).
    pub is_secret: bool,
}

/// One `[table]` of the file.
#[derive(Debug)]
pub struct Section {
    /// Empty for the top of the file.
    pub name: &'static str,
    pub doc: &'static str,
    pub keys: &'static [Key],
}

impl Section {
    /// The name used in messages and by flags: `http.drain_seconds`.
    pub fn dotted(&self, key: &Key) -> String {
        match self.name {
            "" => key.name.to_owned(),
            section => format!("{section}.{}", key.name),
        }
    }
}

/// `http.drain_seconds` → `CLAVIGER_HTTP_DRAIN_SECONDS`.
pub fn environment_name(dotted: &str) -> String {
    format!("CLAVIGER_{}", dotted.replace('.', "_").to_uppercase())
}

// A derive macro would need a crate of its own; doc comments are attributes, so this can catch them.
macro_rules! section {
    (
        $(#[doc = $section_doc:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[serde($($serde:tt)*)])?
                $key:ident $(($secret:ident))?: $type:ty = $default:expr;
            )*
            $( [$table:ident] $table_type:ident; )*
            $( unlisted $unlisted:ident: $unlisted_type:ty; )?
        }
    ) => {
        $(#[doc = $section_doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                $(#[serde($($serde)*)])?
                pub $key: $type,
            )*
            $( pub $table: $table_type, )*
            $( #[serde(skip)] pub(super) $unlisted: $unlisted_type, )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($key: $default,)*
                    $($table: $table_type::default(),)*
                    $($unlisted: <$unlisted_type>::default(),)?
                }
            }
        }

        impl $name {
            #[allow(dead_code, reason = "the top of the file has no table of its own")]
            pub(super) const DOC: &'static str = concat!($($section_doc, "\n"),+);
            pub(super) const KEYS: &'static [$crate::host::config::section::Key] = &[
                $($crate::host::config::section::Key {
                    name: stringify!($key),
                    doc: concat!($($doc, "\n"),+),
                    is_secret: !concat!("" $(, stringify!($secret))?).is_empty(),
                },)*
            ];
            #[allow(dead_code, reason = "only the top of the file has tables")]
            pub(super) const TABLES: &'static [$crate::host::config::section::Section] = &[
                $($crate::host::config::section::Section {
                    name: stringify!($table),
                    doc: $table_type::DOC,
                    keys: $table_type::KEYS,
                },)*
            ];
        }
    };
}
pub(super) use section;
