struct Base {
  virtual ~Base() = default;
};
struct Derived : Base {
  ~Derived() override;
};
Derived::~Derived() = default;
