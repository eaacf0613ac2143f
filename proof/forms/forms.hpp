/* Linear forms: the shipped C, compiled as C++ with its int32_t and int64_t replaced by the class
 * below, runs over all inputs at once.
 *
 * A value is   constant + sum of coefficient_i * x_i + e,   |e| <= error,
 * where the inputs x_i are known by their limits only: |x_i| <= limit_i (a box), or
 * sum |x_i| <= total (as of a spectrum whose size was brought below 2^29). Its greatest size,
 * sum |coefficient_i| limit_i or max |coefficient_i| total, plus |constant| + error, must fit the
 * C type after every operation; otherwise the run stops. Right shifts round down and add at most
 * one to the error. Floating point rounds in the 16th digit; SLACK covers it.
 * What a linear form cannot follow (a branch on a value that may go either way) stops the run too. */
#ifndef FORMS_HPP
#define FORMS_HPP

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>

static const double SLACK = 1e-9;
static std::vector<double> limits; /* of the inputs; empty when `total` bounds them */
static double total = 0, widest = 0; /* widest: largest share of its type that a value took */
static const char *at = "start";

[[noreturn]] static void stop(const char *why, double value, int bits)
{
    std::printf("%s: %s: %.0f, int%d\n", at, why, value, bits);
    std::exit(1);
}

struct Form {
    double constant = 0, error = 0;
    std::vector<double> coefficients; /* empty: none */

    double bound() const
    {
        double sum = 0, largest = 0;
        for (size_t i = 0; i < coefficients.size(); i++) {
            double size = std::fabs(coefficients[i]);
            largest = size > largest ? size : largest;
            sum += limits.empty() ? 0 : size * limits[i];
        }
        double inputs = limits.empty() ? largest * total : sum;
        return std::fabs(constant) + (inputs + error) * (1 + SLACK);
    }
    bool known() const { return coefficients.empty() && error == 0; }

    void add(const Form &other, double times)
    {
        constant += times * other.constant;
        error += std::fabs(times) * other.error;
        if (other.coefficients.size() > coefficients.size())
            coefficients.resize(other.coefficients.size());
        for (size_t i = 0; i < other.coefficients.size(); i++)
            coefficients[i] += times * other.coefficients[i];
    }
};

/* A product of two values that are both unknown becomes an input of its own. */
static Form product(const Form &a, const Form &b)
{
    Form result;
    if (a.known())
        result.add(b, a.constant);
    else if (b.known())
        result.add(a, b.constant);
    else {
        double bound = a.bound() * b.bound();
        if (limits.empty())
            stop("a product of two unknown values", bound, 64);
        result.coefficients.resize(limits.size() + 1);
        result.coefficients.back() = 1;
        limits.push_back(bound);
    }
    return result;
}

template <int BITS> struct Int {
    Form form;

    Int() {}
    template <class T, class = std::enable_if_t<std::is_integral<T>::value>>
    Int(T value) { form.constant = (double)value; }
    explicit Int(const Form &f) : form(f)
    {
        double limit = std::ldexp(1.0, BITS - 1) - 1, bound = form.bound();
        if (bound > limit)
            stop("does not fit", bound, BITS);
        if (!form.known() && bound > widest * limit)
            widest = bound / limit;
    }
    Int(const Int &) = default;
    Int &operator=(const Int &) = default;
    template <int OTHER, std::enable_if_t<(OTHER < BITS), int> = 0>
    Int(const Int<OTHER> &other) : form(other.form) {}
    template <int OTHER, std::enable_if_t<(OTHER > BITS), int> = 0>
    explicit Int(const Int<OTHER> &other) : Int(other.form) {}

    static Int input(int index)
    {
        Form f;
        f.coefficients.resize((size_t)index + 1);
        f.coefficients.back() = 1;
        return Int(f);
    }
    static Int within(double error)
    {
        Form f;
        f.error = error;
        return Int(f);
    }
    operator long() const
    {
        if (!form.known())
            stop("an unknown value where a known one is needed", form.bound(), BITS);
        return (long)form.constant;
    }
    Int operator-() const { return Int(product(form, Int(-1).form)); }
    Int operator~() const { return Int(~(long)*this); }
    Int &operator+=(const Int &b) { return *this = *this + b; }
    Int &operator*=(const Int &b) { return *this = *this * b; }
};

typedef Int<32> I32;
typedef Int<64> I64;

template <class T> struct Width { static const int bits = sizeof(T) > 4 ? 64 : 32; };
template <int BITS> struct Width<Int<BITS>> { static const int bits = BITS; };
template <class T> struct IsInt : std::false_type {};
template <int BITS> struct IsInt<Int<BITS>> : std::true_type {};
template <class A, class B>
using Common = std::enable_if_t<(IsInt<A>::value || IsInt<B>::value)
                                    && (IsInt<A>::value || std::is_integral<A>::value)
                                    && (IsInt<B>::value || std::is_integral<B>::value),
                                Int<(Width<A>::bits > Width<B>::bits ? Width<A>::bits
                                                                     : Width<B>::bits)>>;

template <class A, class B> Common<A, B> operator+(const A &a, const B &b)
{
    Form f = Common<A, B>(a).form;
    f.add(Common<A, B>(b).form, 1);
    return Common<A, B>(f);
}
template <class A, class B> Common<A, B> operator-(const A &a, const B &b)
{
    Form f = Common<A, B>(a).form;
    f.add(Common<A, B>(b).form, -1);
    return Common<A, B>(f);
}
template <class A, class B> Common<A, B> operator*(const A &a, const B &b)
{
    return Common<A, B>(product(Common<A, B>(a).form, Common<A, B>(b).form));
}
template <class A, class B> Common<A, B> operator/(const A &a, const B &b)
{
    return Common<A, B>((long)Common<A, B>(a) / (long)Common<A, B>(b));
}
template <class A, class B> Common<A, B> operator%(const A &a, const B &b)
{
    return Common<A, B>((long)Common<A, B>(a) % (long)Common<A, B>(b));
}
template <class A, class B> Common<A, B> operator&(const A &a, const B &b)
{
    return Common<A, B>((long)Common<A, B>(a) & (long)Common<A, B>(b));
}
/* rounds down: the half is part of the constant, so that x + 1/2 rounded down errs by 1/2 */
template <int BITS, class N> Int<BITS> operator>>(const Int<BITS> &a, const N &n)
{
    const long bits = (long)Int<64>(n);
    if (bits < 0 || bits >= BITS)
        stop("shift by", (double)bits, BITS);
    if (a.form.known())
        return Int<BITS>((long)a >> bits);
    Form f;
    f.add(a.form, std::ldexp(1.0, (int)-bits));
    f.constant -= 0.5;
    f.error += bits ? 0.5 : 0;
    f.constant += bits ? 0 : 0.5;
    return Int<BITS>(f);
}
template <int BITS, class N> Int<BITS> operator<<(const Int<BITS> &a, const N &n)
{
    return Int<BITS>((long)a << (long)Int<64>(n));
}
template <class A, class B, class = Common<A, B>> bool operator<(const A &a, const B &b)
{
    Form f = Common<A, B>(a).form;
    f.add(Common<A, B>(b).form, -1);
    double middle = f.constant;
    f.constant = 0;
    if (std::fabs(middle) > f.bound())
        return middle < 0;
    if (f.known())
        return false;
    stop("a branch that can go either way", f.bound(), 64);
}
template <class A, class B, class = Common<A, B>> bool operator>(const A &a, const B &b)
{
    return b < a;
}

#endif
