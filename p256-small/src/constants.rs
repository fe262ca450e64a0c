//! Constants of P-256 (SEC 2 section 2.4.2). A value in Montgomery form is its product with 2^256.

use crate::words::Words;

/// A prime modulus.
#[repr(C)] // the assembly reads it
pub struct Modulus {
    pub words: Words,
    /// −1 / modulus, modulo 2^32.
    pub negative_inverse: u32,
}

/// p, of the field.
pub static P: Modulus =
    Modulus { words: [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0, 0, 0, 1, 0xffff_ffff], negative_inverse: 1 };

/// n, the order of the curve.
pub static N: Modulus = Modulus {
    words: [
        0xfc63_2551,
        0xf3b9_cac2,
        0xa717_9e84,
        0xbce6_faad,
        0xffff_ffff,
        0xffff_ffff,
        0x0000_0000,
        0xffff_ffff,
    ],
    negative_inverse: 0xee00_bc4f,
};

/// p + 1. A square to the power of (p + 1) / 4 is one of its roots, since p is 3 modulo 4.
pub static P_PLUS_1: Words = [0, 0, 0, 1, 0, 0, 1, 0xffff_ffff];

/// What programs can name beside registers: [`crate::file::R2P`] and the next ones.
#[rustfmt::skip]
pub static OPERANDS: [Words; 4] = [
    // 2^512 modulo p, and modulo n: a product with it is the other factor in Montgomery form.
    [0x0000_0003, 0x0000_0000, 0xffff_ffff, 0xffff_fffb, 0xffff_fffe, 0xffff_ffff, 0xffff_fffd, 0x0000_0004],
    [0xbe79_eea2, 0x8324_4c95, 0x49bd_6fa6, 0x4699_799c, 0x2b6b_ec59, 0x2845_b239, 0xf3d9_5620, 0x66e1_2d94],
    // 1: a product with it is the other factor out of Montgomery form.
    [1, 0, 0, 0, 0, 0, 0, 0],
    // b of y² = x³ − 3x + b, in Montgomery form.
    [0x29c4_bddf, 0xd89c_df62, 0x7884_3090, 0xacf0_05cd, 0xf721_2ed6, 0xe5a2_20ab, 0x0487_4834, 0xdc30_061d],
];

/// Entry `i` is 2^192 G, and plus or minus 2^(64 j) G for j of 0 to 2: plus where bit `j` of `i` is set. x and y in Montgomery form.
#[rustfmt::skip]
pub static COMB: [[Words; 2]; 8] = [
    [[0x6708_44e0, 0x52d8_a7c9, 0xef68_a29d, 0x00e3_3bdc, 0x4bdb_7361, 0x0f3d_2848, 0x91c5_304d, 0x5222_c821],
     [0xdf73_fc25, 0xea6d_2944, 0x0255_c81b, 0xa04c_0f55, 0xefe4_88a8, 0x29ac_dc97, 0x80a5_60de, 0xbe2e_158f]],
    [[0x2b13_e673, 0xfc85_11ee, 0xd103_ed24, 0xffc5_8dee, 0xea7e_99b8, 0x1022_523a, 0x4afc_8a17, 0x8f43_ea39],
     [0xc5f3_3d0b, 0x8f4e_2dbc, 0xd0aa_1681, 0x3bc0_99fa, 0x79ff_9df1, 0xffbb_7b41, 0xd58b_57c4, 0x180d_e09d]],
    [[0x8bd1_cda5, 0x5643_0752, 0x8e05_eda5, 0x1807_577f, 0x9568_96e9, 0x099c_699b, 0xf1f0_efb5, 0x83d6_093d],
     [0xed97_061c, 0xef5a_f17e, 0x030d_4c3c, 0x35b9_77b8, 0x4922_9439, 0x81fa_75a2, 0xa0b6_d35d, 0xf5a2_2070]],
    [[0x74f8_1cf1, 0x814c_5365, 0x0120_065b, 0xe30b_aff7, 0x1513_2621, 0x80ae_1256, 0x36a8_0788, 0x16d2_b8cb],
     [0xecc5_0bca, 0x33d1_4697, 0x17ae_dd21, 0x19a9_dfb0, 0xedc3_f766, 0x523f_bcc7, 0xb2cf_5afd, 0x9c4d_e6dd]],
    [[0xcf0d_9f6d, 0x5305_a9e6, 0x81a9_b021, 0x5839_172f, 0x75c6_87cf, 0xcca7_a4dd, 0x844b_e22f, 0x36d5_9b3e],
     [0x111a_53e9, 0xcace_7e62, 0xf063_f3a1, 0x91c8_43d4, 0x0da8_12da, 0xbf77_e5f0, 0x437f_3176, 0x0e64_af9c]],
    [[0xcf07_517d, 0xdbd5_68bb, 0xba68_30b9, 0x2f1a_fba2, 0xe6c4_c2a6, 0x15b6_807c, 0xe496_6aef, 0x91c7_eabc],
     [0xd6b2_b6e6, 0x716d_ea1b, 0x19f8_5b4b, 0x248c_43d1, 0x4a31_5e2a, 0x16dc_fd60, 0xc72b_3d0b, 0x15fd_d303]],
    [[0x42b7_dfd5, 0xe40b_f9f4, 0x2d93_4f2a, 0x6736_89f3, 0x30a6_f50b, 0x8314_beb4, 0x976e_c64e, 0xd17a_f2bc],
     [0x1ee7_ddf1, 0x39f6_6c4f, 0x68ea_373c, 0x7f68_e18b, 0x53d0_b186, 0x5166_c1f2, 0x7be5_8f14, 0x95dd_a601]],
    [[0x4291_3074, 0x0d5a_e356, 0x48a5_42b1, 0x5549_1b27, 0xb310_732a, 0x469c_a665, 0x5f1a_4cc1, 0x2959_1d52],
     [0xb84f_983f, 0xe76f_5b6b, 0x9f5f_84e1, 0xbe7e_ef41, 0x80ba_a189, 0x1200_d496, 0x18ef_332c, 0x6376_551f]],
];
