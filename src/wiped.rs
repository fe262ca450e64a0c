//! What is wiped field by field: by hand, since zeroize's derive macro brings a parser of Rust into every build.

/// `wiped!(Type { FIELD, ... })` makes `Type: Zeroize`, with `on drop` behind it also wiped when it is dropped. Every
/// field is named, or it does not compile: those that hold no secret behind `but`.
macro_rules! wiped {
    ($name:ident { $($field:ident),+ $(; but $($plain:ident),+)? }) => {
        impl zeroize::Zeroize for $name {
            fn zeroize(&mut self) {
                let Self { $($field,)+ $($($plain: _,)+)? } = self;
                $(zeroize::Zeroize::zeroize($field);)+
            }
        }
    };
    ($name:ident { $($fields:tt)+ } on drop) => {
        wiped!($name { $($fields)+ });
        impl Drop for $name {
            fn drop(&mut self) {
                zeroize::Zeroize::zeroize(self);
            }
        }
        impl zeroize::ZeroizeOnDrop for $name {}
    };
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroize;

    struct Pair {
        secret: [u8; 4],
        count: u8,
    }
    wiped!(Pair { secret; but count });

    struct Loud {
        wiped: Wipes,
    }
    wiped!(Loud { wiped } on drop);

    struct Wipes(std::rc::Rc<std::cell::Cell<u8>>);
    impl Zeroize for Wipes {
        fn zeroize(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn fields_are_wiped_and_those_behind_but_are_not() {
        let mut pair = Pair { secret: [1, 2, 3, 4], count: 5 };
        pair.zeroize();
        assert_eq!((pair.secret, pair.count), ([0; 4], 5));
    }

    #[test]
    fn on_drop_wipes_once_more() {
        let times = std::rc::Rc::default();
        let mut loud = Loud { wiped: Wipes(std::rc::Rc::clone(&times)) };
        loud.zeroize();
        assert_eq!(times.get(), 1);
        drop(loud);
        assert_eq!(times.get(), 2);
    }
}
