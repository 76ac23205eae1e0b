//! Every way in which a file can be wrong has its error, and none is a panic.

use super::*;

const FORMAT: &str = "test file";

fn tensors() -> Tensors {
    let values: Vec<f32> = (0..6).map(|i| i as f32 / 3.0).chain([f32::MIN_POSITIVE, -0.0]).collect();
    let matrix = Tensor { shape: vec![2, 3], values: values[..6].to_vec() };
    Tensors::from([
        ("matrix".into(), matrix),
        ("vector".into(), Tensor { shape: vec![2], values: values[6..].to_vec() }),
    ])
}

fn sealed() -> Vec<u8> {
    seal(FORMAT, 3, &("a manifest", 0.1), &tensors()).unwrap()
}

fn read(bytes: &[u8]) -> Result<((String, f64), Tensors), SealError> {
    open(FORMAT, 3, bytes)
}

#[test]
fn what_is_read_is_what_was_written() {
    let (manifest, read) = read(&sealed()).unwrap();
    assert_eq!(manifest, ("a manifest".into(), 0.1));
    assert_eq!(read, tensors());
    let bits = |tensors: &Tensors| tensors["vector"].values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read), bits(&tensors()));
}

#[test]
fn the_same_content_gives_the_same_bytes() {
    assert!((0..20).all(|_| sealed() == sealed()));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = sealed();
    for len in 0..bytes.len() {
        let error = read(&bytes[..len]).unwrap_err();
        assert!(matches!(error, SealError::Unreadable { .. }), "{len}: {error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(read(&longer), Err(SealError::Unreadable { .. })));
}

#[test]
fn a_file_with_a_changed_byte_is_never_read_as_another() {
    let bytes = sealed();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            // Some changes leave the meaning of the header: a space in it, say. Then the content is the same.
            match read(&damaged) {
                Ok(read) => assert_eq!(read, (("a manifest".into(), 0.1), tensors()), "byte {at}, bit {bit}"),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(read(&damaged), Err(SealError::Damaged { .. })));
}

#[test]
fn files_of_another_kind_say_what_they_are() {
    let message = |result: Result<((String, f64), Tensors), SealError>| result.unwrap_err().to_string();
    let other_version = seal(FORMAT, 4, &("a manifest", 0.1), &tensors()).unwrap();
    assert_eq!(
        message(read(&other_version)),
        "a test file of version 4, while this program reads version 3: make it anew with this program"
    );
    let other_format = seal("cookbook", 3, &("a manifest", 0.1), &tensors()).unwrap();
    assert_eq!(message(read(&other_format)), "a safetensors file, but no test file: it is a cookbook");
    let without = safetensors::serialize(BTreeMap::<String, TensorView>::new(), None).unwrap();
    assert!(message(read(&without)).contains("without viewtide's metadata"));
    let other_manifest = seal(FORMAT, 3, &[1, 2, 3], &tensors()).unwrap();
    assert!(matches!(read(&other_manifest), Err(SealError::Content { .. })));
    assert!(matches!(read(b""), Err(SealError::Unreadable { .. })));
    assert!(matches!(read(&[b'x'; 4_000]), Err(SealError::Unreadable { .. })));
    assert!(matches!(read(&vec![0; SEALED_BYTES_MAX + 1]), Err(SealError::TooLarge { .. })));
}

#[test]
fn a_tensor_whose_shape_is_not_its_own_is_not_written() {
    let bad = Tensors::from([("matrix".into(), Tensor { shape: vec![2, 2], values: vec![0.0; 3] })]);
    assert!(matches!(seal(FORMAT, 3, &(), &bad), Err(SealError::Content { .. })));
}
