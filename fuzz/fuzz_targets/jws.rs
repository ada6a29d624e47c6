#![cfg_attr(fuzzing, no_main)]
claviger_fuzz::main!(jws);
