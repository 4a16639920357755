;; Arithmetic over vectors that lie in one memory. Lengths are in components and multiples of 16; addresses are in bytes.
(module
  (memory (export "memory") 1 65536)

  ;; For each of `count` vectors of 8-bit integers that lie one after the other: its dot product with a vector of
  ;; 16-bit integers, as a 32-bit integer.
  (func (export "scan") (param $query i32) (param $vectors i32) (param $count i32) (param $length i32) (param $out i32)
    (local $end i32) (local $at i32) (local $queryAt i32) (local $sum v128) (local $bytes v128)
    (block $done
      (loop $vector
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $vectors))
        (local.set $end (i32.add (local.get $vectors) (local.get $length)))
        (local.set $queryAt (local.get $query))
        (loop $component
          (local.set $bytes (v128.load (local.get $at)))
          (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
            (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $bytes)) (v128.load (local.get $queryAt)))
            (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $bytes)) (v128.load offset=16 (local.get $queryAt))))))
          (local.set $queryAt (i32.add (local.get $queryAt) (i32.const 32)))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $component (i32.lt_u (local.get $at) (local.get $end))))
        (i32.store (local.get $out) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
          (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $vectors (local.get $end))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $vector))))

  ;; Four half precision numbers, each in the low half of a lane, as single precision: the bits moved to their places,
  ;; and 112 added to the exponent by a multiplication, which is right for subnormal numbers, too.
  (func $single (param $halves v128) (result v128)
    (v128.or
      (f32x4.mul
        (i32x4.shl (v128.and (local.get $halves) (v128.const i32x4 0x7fff 0x7fff 0x7fff 0x7fff)) (i32.const 13))
        (v128.const f32x4 0x1p112 0x1p112 0x1p112 0x1p112))
      (i32x4.shl (v128.and (local.get $halves) (v128.const i32x4 0x8000 0x8000 0x8000 0x8000)) (i32.const 16))))

  ;; Writes half precision numbers as single precision.
  (func (export "widen") (param $halves i32) (param $singles i32) (param $length i32)
    (local $bits v128)
    (loop $component
      (local.set $bits (v128.load (local.get $halves)))
      (v128.store (local.get $singles) (call $single (i32x4.extend_low_i16x8_u (local.get $bits))))
      (v128.store offset=16 (local.get $singles) (call $single (i32x4.extend_high_i16x8_u (local.get $bits))))
      (local.set $halves (i32.add (local.get $halves) (i32.const 16)))
      (local.set $singles (i32.add (local.get $singles) (i32.const 32)))
      (local.set $length (i32.sub (local.get $length) (i32.const 8)))
      (br_if $component (i32.gt_s (local.get $length) (i32.const 0)))))

  ;; The dot product of a vector of single precision and one of half precision.
  (func (export "dot") (param $singles i32) (param $halves i32) (param $length i32) (result f32)
    (local $bits v128) (local $low v128) (local $high v128)
    (loop $component
      (local.set $bits (v128.load (local.get $halves)))
      (local.set $low (f32x4.add (local.get $low) (f32x4.mul
        (v128.load (local.get $singles)) (call $single (i32x4.extend_low_i16x8_u (local.get $bits))))))
      (local.set $high (f32x4.add (local.get $high) (f32x4.mul
        (v128.load offset=16 (local.get $singles)) (call $single (i32x4.extend_high_i16x8_u (local.get $bits))))))
      (local.set $halves (i32.add (local.get $halves) (i32.const 16)))
      (local.set $singles (i32.add (local.get $singles) (i32.const 32)))
      (local.set $length (i32.sub (local.get $length) (i32.const 8)))
      (br_if $component (i32.gt_s (local.get $length) (i32.const 0))))
    (local.set $low (f32x4.add (local.get $low) (local.get $high)))
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $low)) (f32x4.extract_lane 1 (local.get $low)))
      (f32.add (f32x4.extract_lane 2 (local.get $low)) (f32x4.extract_lane 3 (local.get $low)))))
)
